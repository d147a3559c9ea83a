-- What ended is forgotten in time: whatever refers to a row is found by an index, by the statement that forgets it and
-- by the check of the reference.

CREATE INDEX reservation_of_instance ON reservation (instance_id);
CREATE INDEX reservation_of_vmm ON reservation (vmm_id) WHERE vmm_id IS NOT NULL;
CREATE INDEX reservation_of_operation ON reservation (operation_id) WHERE operation_id IS NOT NULL;
CREATE INDEX migration_of_instance ON migration (instance_id);
CREATE INDEX migration_of_source ON migration (source_vmm_id);
CREATE INDEX migration_of_target ON migration (target_vmm_id);
CREATE INDEX operation_of_vmm ON operation (vmm_id) WHERE vmm_id IS NOT NULL;
CREATE INDEX operation_of_snapshot ON operation (snapshot_id) WHERE snapshot_id IS NOT NULL;
CREATE INDEX snapshot_of_instance ON snapshot (instance_id);
CREATE INDEX instance_of_saved_vmm ON instance (saved_vmm_id) WHERE saved_vmm_id IS NOT NULL;
CREATE INDEX instance_of_source ON instance (cloned_from_id) WHERE cloned_from_id IS NOT NULL;
