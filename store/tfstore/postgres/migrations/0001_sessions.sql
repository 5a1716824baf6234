-- Sessions of many stores. The search path is the schema that all of it is made in.

CREATE TABLE sources (
  source_id uuid PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  first_seen timestamptz NOT NULL DEFAULT now(),
  last_seen timestamptz NOT NULL DEFAULT now(),
  version text NOT NULL DEFAULT ''
);

-- month is that of the partitions in which a session lies: 0001-01-01 where its beginning is not known.
CREATE TABLE sessions (
  source_id uuid NOT NULL REFERENCES sources ON DELETE CASCADE,
  session_id text COLLATE "C" NOT NULL,
  month date NOT NULL,
  document_sha256 text NOT NULL,
  document_bytes bigint NOT NULL,
  listed boolean NOT NULL,
  unfit text,
  rows_partial text[] NOT NULL DEFAULT '{}',
  title text, status text, result text, end_reason text,
  began text COLLATE "C" NOT NULL,
  started_at timestamptz, ended_at timestamptz,
  duration_ms bigint, took bigint NOT NULL,
  runs bigint, steps bigint, model_calls bigint, tool_calls bigint, tool_errors bigint, unresolved_tool_calls bigint,
  errors bigint, retries bigint, forks bigint,
  input_tokens bigint, output_tokens bigint, cached_tokens bigint, reasoning_tokens bigint, total_tokens bigint,
  tokens bigint NOT NULL, wrong boolean NOT NULL,
  models text[] NOT NULL, tools text[] NOT NULL, error_classes text[] NOT NULL, conversations text[] NOT NULL,
  pairs text[] NOT NULL, metadata jsonb,
  entries bigint, head text,
  words text NOT NULL, line text,
  said text, told integer NOT NULL,
  PRIMARY KEY (source_id, session_id)
);
CREATE INDEX sessions_id ON sessions (session_id);
CREATE INDEX sessions_started ON sessions (began DESC, session_id DESC) WHERE listed;
CREATE INDEX sessions_failed ON sessions (began DESC, session_id DESC) WHERE listed AND result = 'failed';
CREATE INDEX sessions_tools ON sessions USING gin (tools);
CREATE INDEX sessions_models ON sessions USING gin (models);
CREATE INDEX sessions_error_classes ON sessions USING gin (error_classes);
CREATE INDEX sessions_conversations ON sessions USING gin (conversations);
CREATE INDEX sessions_pairs ON sessions USING gin (pairs);
CREATE INDEX sessions_told ON sessions (told);
CREATE INDEX sessions_without_rows ON sessions (source_id, session_id) WHERE rows_partial @> ARRAY['rows'];
CREATE INDEX sessions_unfit ON sessions (source_id) WHERE unfit IS NOT NULL;

-- The document as it stands in its file, zstd.
CREATE TABLE documents (
  month date NOT NULL,
  source_id uuid NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  document bytea NOT NULL,
  PRIMARY KEY (month, source_id, session_id)
) PARTITION BY RANGE (month);

-- One row a step. text is what it says, in the letters that are searched: case folded.
CREATE TABLE agent_run_events (
  month date NOT NULL,
  source_id uuid NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  sequence_no bigint NOT NULL,
  step_id text, run_id text, thread_id text, label text NOT NULL, type text, status text,
  conversation_id text, response_id text, previous_response_id text, item_id text, output_index bigint,
  tool_call_id text, tool_name text, model text, error_class text, error_code text,
  started_at timestamptz, ended_at timestamptz, duration_ms bigint,
  input_tokens bigint, output_tokens bigint, total_tokens bigint,
  prompt_step_id text, root_prompt_step_id text, prompt_sha256 text,
  depends_on text[] NOT NULL, played boolean NOT NULL,
  text text, sha256 text NOT NULL,
  PRIMARY KEY (month, source_id, session_id, sequence_no)
) PARTITION BY RANGE (month);
CREATE INDEX events_tool ON agent_run_events (tool_name, started_at DESC) WHERE tool_name IS NOT NULL;
CREATE INDEX events_error ON agent_run_events (error_class, started_at DESC) WHERE error_class IS NOT NULL;
CREATE INDEX events_call ON agent_run_events (tool_call_id) WHERE tool_call_id IS NOT NULL;
CREATE INDEX events_response ON agent_run_events (response_id) WHERE response_id IS NOT NULL;
CREATE INDEX events_previous ON agent_run_events (previous_response_id) WHERE previous_response_id IS NOT NULL;
CREATE INDEX events_conversation ON agent_run_events (conversation_id, started_at, sequence_no)
  WHERE conversation_id IS NOT NULL;
CREATE INDEX events_prompt ON agent_run_events (prompt_sha256) WHERE prompt_sha256 IS NOT NULL;

-- The step's JSON, apart: who counts and sums need not read it.
CREATE TABLE agent_run_payloads (
  month date NOT NULL,
  source_id uuid NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  sequence_no bigint NOT NULL,
  payload jsonb,
  sha256 text NOT NULL,
  PRIMARY KEY (month, source_id, session_id, sequence_no)
) PARTITION BY RANGE (month);

-- What the calls of a model (assistant_call) or a tool (tool_call) come to in a session.
CREATE TABLE calls (
  source_id uuid NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  label text NOT NULL,
  name text COLLATE "C" NOT NULL,
  failed boolean NOT NULL,
  calls bigint NOT NULL, errors bigint NOT NULL, input_tokens bigint NOT NULL, output_tokens bigint NOT NULL,
  durations text NOT NULL,
  PRIMARY KEY (label, name, source_id, session_id),
  FOREIGN KEY (source_id, session_id) REFERENCES sessions ON DELETE CASCADE
);
CREATE INDEX calls_session ON calls (source_id, session_id);

-- Which sessions made a response, and which go on from one of another session.
CREATE TABLE links (
  response_id text COLLATE "C" NOT NULL,
  relation text NOT NULL CHECK (relation IN ('made', 'continued')),
  source_id uuid NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (response_id, relation, source_id, session_id),
  FOREIGN KEY (source_id, session_id) REFERENCES sessions ON DELETE CASCADE
);
CREATE INDEX links_session ON links (source_id, session_id);

-- What people noted on a session: the lines of its file.
CREATE TABLE notes (
  source_id uuid NOT NULL REFERENCES sources ON DELETE CASCADE,
  session_id text COLLATE "C" NOT NULL,
  lines bytea NOT NULL,
  sha256 text NOT NULL,
  PRIMARY KEY (source_id, session_id)
);

-- Long texts and media; without content, only that there is such a thing.
CREATE TABLE blobs (
  sha256 text PRIMARY KEY,
  bytes bigint NOT NULL,
  content bytea
);

-- What began before the oldest month lies in one partition; so does what has no beginning.
DO $$
DECLARE
  oldest date := coalesce(
    nullif(current_setting('thoughtflow.oldest_month', true), '')::date,
    (date_trunc('month', now()) - interval '24 months')::date
  );
  parent text;
BEGIN
  FOREACH parent IN ARRAY ARRAY['documents', 'agent_run_events', 'agent_run_payloads'] LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (MINVALUE) TO (%L)', parent || '_old', parent, oldest);
  END LOOP;
END $$;

-- Substrings are found by trigrams, where the extension may be made; without it, all is looked through.
DO $$
BEGIN
  BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
  EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR invalid_schema_name THEN
    NULL;
  END;
  IF EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm') THEN
    CREATE INDEX sessions_said ON sessions USING gin (said gin_trgm_ops);
    CREATE INDEX events_text ON agent_run_events USING gin (text gin_trgm_ops);
  END IF;
END $$;
