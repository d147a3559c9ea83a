-- An instance at one instant, memory and disk, as files of its node; and operations that start an instance from one.

CREATE TABLE snapshot (
  id            uuid PRIMARY KEY,
  instance_id   uuid NOT NULL REFERENCES instance (id),
  name          text NOT NULL,
  state         text NOT NULL CHECK (state IN ('creating', 'ready', 'failed', 'deleted')),
  reason        text,
  operation_id  uuid NOT NULL REFERENCES operation (id),
  node_id       uuid NOT NULL REFERENCES node (id),
  driver        text NOT NULL CHECK (driver IN ('kvm', 'tcg', 'v86', 'model')),
  -- of the machine that was saved: another one cannot take it up
  vcpus         integer NOT NULL,
  memory_mib    integer NOT NULL,
  image_id      uuid NOT NULL REFERENCES image (id),
  size_bytes    bigint CHECK (size_bytes >= 0),
  -- how long the guest stood still
  paused_ms     integer,
  created_at    timestamptz(3) NOT NULL DEFAULT now(),
  ready_at      timestamptz(3),
  CHECK ((state = 'ready') <= (ready_at IS NOT NULL))
);
CREATE UNIQUE INDEX snapshot_name ON snapshot (instance_id, name) WHERE state IN ('creating', 'ready');
CREATE INDEX snapshot_operation ON snapshot (operation_id);

ALTER TABLE operation
  DROP CONSTRAINT operation_kind_check,
  ADD CONSTRAINT operation_kind_check CHECK (kind IN
    ('create-instance', 'start-instance', 'stop-instance', 'reboot-instance', 'pause-instance', 'suspend-instance',
     'resume-instance', 'resize-instance', 'delete-instance', 'move-instance', 'migrate-instance',
     'snapshot-instance', 'restore-instance', 'drain-node')),
  -- what it starts its instance from
  ADD COLUMN snapshot_id uuid REFERENCES snapshot (id);
