-- Live migrations that are called off.

ALTER TABLE migration
  -- when somebody asked for that
  ADD cancelled_at  timestamptz(3),
  -- from then on it is too late: its last bytes are on their way
  ADD switched_at   timestamptz(3);
