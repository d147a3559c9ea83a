-- A guest that stands still in its vmm because its owner wants that: it holds its place, and its memory.

ALTER TABLE instance DROP CONSTRAINT instance_state_check, DROP CONSTRAINT instance_desired_state_check;
ALTER TABLE instance
  ADD CONSTRAINT instance_state_check CHECK (state IN
    ('pending', 'starting', 'running', 'paused', 'stopping', 'stopped', 'failed', 'unknown', 'deleting', 'deleted')),
  ADD CONSTRAINT instance_desired_state_check CHECK (desired_state IN ('running', 'paused', 'stopped', 'deleted'));

ALTER TABLE vmm DROP CONSTRAINT vmm_state_check;
ALTER TABLE vmm ADD CONSTRAINT vmm_state_check CHECK (state IN
  ('scheduled', 'starting', 'running', 'paused', 'stopping', 'unknown', 'gone'));

ALTER TABLE operation DROP CONSTRAINT operation_kind_check;
ALTER TABLE operation ADD CONSTRAINT operation_kind_check CHECK (kind IN
  ('create-instance', 'start-instance', 'stop-instance', 'reboot-instance', 'pause-instance', 'resume-instance',
   'delete-instance', 'move-instance', 'migrate-instance', 'drain-node'));

-- what the reconciler looks through, besides what is to be running or stopped and is
DROP INDEX instance_gap;
CREATE INDEX instance_gap ON instance (updated_at) WHERE state <> 'deleted' AND state <> desired_state;
