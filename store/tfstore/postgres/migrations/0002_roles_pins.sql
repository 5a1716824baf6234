-- Who may do what, and sessions that are kept whatever is pruned.

CREATE TABLE incidents (
  source_id uuid NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  incident text NOT NULL,
  note text NOT NULL DEFAULT '',
  pinned_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (source_id, session_id, incident),
  FOREIGN KEY (source_id, session_id) REFERENCES sessions ON DELETE CASCADE
);

CREATE TABLE documents_pinned PARTITION OF documents FOR VALUES FROM ('4000-01-01') TO (MAXVALUE);
CREATE TABLE agent_run_events_pinned PARTITION OF agent_run_events FOR VALUES FROM ('4000-01-01') TO (MAXVALUE);
CREATE TABLE agent_run_payloads_pinned PARTITION OF agent_run_payloads FOR VALUES FROM ('4000-01-01') TO (MAXVALUE);

-- Partitions are made by whoever sends the first session of a month, which need not be the tables' owner.
CREATE FUNCTION make_month(wanted date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  first date := date_trunc('month', wanted)::date;
  parent text;
BEGIN
  FOREACH parent IN ARRAY ARRAY['documents', 'agent_run_events', 'agent_run_payloads'] LOOP
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
      parent || to_char(first, '_YYYY_MM'), parent, first, (first + interval '1 month')::date);
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION make_month(date) FROM PUBLIC;

DO $$
BEGIN
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'thoughtflow_read') THEN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO thoughtflow_read', current_schema());
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO thoughtflow_read', current_schema());
  END IF;
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'thoughtflow_write') THEN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO thoughtflow_write', current_schema());
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO thoughtflow_write',
      current_schema());
    REVOKE INSERT, UPDATE, DELETE ON schema_version FROM thoughtflow_write;
    GRANT EXECUTE ON FUNCTION make_month(date) TO thoughtflow_write;
  END IF;
END $$;
