-- What sessions came to that were pruned or deleted, in numbers, so that counters do not fall. The identity names nobody.

CREATE TABLE pruned_totals (
  identity text PRIMARY KEY,
  source_id uuid NOT NULL REFERENCES sources ON DELETE CASCADE,
  counters jsonb NOT NULL,
  pruned_at timestamptz NOT NULL DEFAULT now()
);

DO $$
BEGIN
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'thoughtflow_read') THEN
    GRANT SELECT ON pruned_totals TO thoughtflow_read;
  END IF;
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'thoughtflow_write') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON pruned_totals TO thoughtflow_write;
  END IF;
END $$;
