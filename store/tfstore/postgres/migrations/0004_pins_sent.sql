-- Pins that a machine sent: it takes back its own, and none that were made here.

ALTER TABLE incidents ADD COLUMN sent boolean NOT NULL DEFAULT FALSE;
