-- What a live migration may take, and how far it is.

ALTER TABLE operation
  -- asked for; null: the node's own
  ADD limits      jsonb;

ALTER TABLE migration
  ADD progress    jsonb,
  -- when an event told of it last
  ADD told_at     timestamptz(3);
