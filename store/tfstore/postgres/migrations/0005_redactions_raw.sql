-- What redaction changed, and what was recorded raw.

-- By rule, path and action: how often, and how many bytes; never a value.
CREATE TABLE redactions (
  source_id uuid NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  rule text COLLATE "C" NOT NULL,
  path text COLLATE "C" NOT NULL,
  action text NOT NULL,
  count bigint NOT NULL,
  bytes bigint NOT NULL,
  PRIMARY KEY (source_id, session_id, rule, path, action),
  FOREIGN KEY (source_id, session_id) REFERENCES sessions ON DELETE CASCADE
);
CREATE INDEX redactions_rule ON redactions (rule);

-- Sent only by `sync --raw`: bodies as they were on the wire, stacks of failed calls. headers have no credentials.
CREATE TABLE raw_exchanges (
  source_id uuid NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  recorded_at timestamptz NOT NULL,
  headers jsonb,
  content bytea NOT NULL,
  sha256 text NOT NULL,
  PRIMARY KEY (source_id, session_id, name, kind),
  FOREIGN KEY (source_id, session_id) REFERENCES sessions ON DELETE CASCADE
);
CREATE INDEX raw_recorded ON raw_exchanges (recorded_at);

-- Who reads what was redacted need not read this.
DO $$
BEGIN
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'thoughtflow_read') THEN
    EXECUTE format('GRANT SELECT ON %I.redactions TO thoughtflow_read', current_schema());
  END IF;
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'thoughtflow_write') THEN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %1$I.redactions, %1$I.raw_exchanges TO thoughtflow_write',
      current_schema());
  END IF;
END $$;
