-- A guest whose memory is a file of its node: it has no vmm and holds nothing of the node but that.

ALTER TABLE instance DROP CONSTRAINT instance_state_check, DROP CONSTRAINT instance_desired_state_check;
ALTER TABLE instance
  ADD CONSTRAINT instance_state_check CHECK (state IN
    ('pending', 'starting', 'running', 'paused', 'suspended', 'stopping', 'stopped', 'failed', 'unknown', 'deleting',
     'deleted')),
  ADD CONSTRAINT instance_desired_state_check CHECK (desired_state IN
    ('running', 'paused', 'suspended', 'stopped', 'deleted')),
  -- whose guest was saved; its node has the memory, and its next start goes on from there
  ADD COLUMN saved_vmm_id uuid REFERENCES vmm (id);

ALTER TABLE operation DROP CONSTRAINT operation_kind_check;
ALTER TABLE operation ADD CONSTRAINT operation_kind_check CHECK (kind IN
  ('create-instance', 'start-instance', 'stop-instance', 'reboot-instance', 'pause-instance', 'suspend-instance',
   'resume-instance', 'delete-instance', 'move-instance', 'migrate-instance', 'drain-node'));
