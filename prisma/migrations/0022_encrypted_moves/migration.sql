-- Live migration by TLS: by what the other end of a move knows a node, and whether a move went so.

ALTER TABLE node
  -- PEM, of this node alone, for anyone to see; null: it has none
  ADD certificate             text,
  ADD certificate_expires_at  timestamptz(3);

-- Null: its source did not live to tell
ALTER TABLE migration ADD encrypted boolean;
