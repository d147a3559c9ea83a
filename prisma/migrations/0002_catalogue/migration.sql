-- What a new datacenter starts with: one project with room for a small fleet, and the shapes to ask for.

INSERT INTO project (id, name) VALUES (gen_random_uuid(), 'default');
INSERT INTO quota (project_id, max_instances, max_vcpus, max_memory_mib) SELECT id, 1000, 4000, 4194304 FROM project;

INSERT INTO instance_type (name, vcpus, memory_mib, disk_gib) VALUES
  ('tiny', 1, 64, 0),
  ('small', 1, 256, 1),
  ('medium', 2, 1024, 4),
  ('large', 4, 4096, 16);
