-- A right to open one console once: made by an operator's token, used up by the first connection.

CREATE TABLE console_session (
  id            uuid PRIMARY KEY,
  instance_id   uuid NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
  vmm_id        uuid NOT NULL REFERENCES vmm (id) ON DELETE CASCADE,
  token_id      uuid NOT NULL REFERENCES token (id) ON DELETE CASCADE,
  secret_hash   bytea NOT NULL CHECK (length(secret_hash) = 32),
  created_at    timestamptz NOT NULL DEFAULT now(),
  connected_at  timestamptz,
  closed_at     timestamptz,
  CHECK (connected_at IS NULL OR connected_at >= created_at)
);
CREATE INDEX console_session_open ON console_session (instance_id) WHERE closed_at IS NULL;
CREATE INDEX console_session_age ON console_session (created_at);
