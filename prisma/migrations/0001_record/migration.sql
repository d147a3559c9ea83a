-- The record. Hand-written: CHECKs, partial unique indexes and triggers say what the schema language cannot.
-- State lists repeat the tables of libs/domain; a test compares them.

CREATE TABLE project (
  id          uuid PRIMARY KEY,
  name        text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE quota (
  project_id       uuid PRIMARY KEY REFERENCES project (id) ON DELETE CASCADE,
  max_instances    integer NOT NULL CHECK (max_instances >= 0),
  max_vcpus        integer NOT NULL CHECK (max_vcpus >= 0),
  max_memory_mib   integer NOT NULL CHECK (max_memory_mib >= 0),
  used_instances   integer NOT NULL DEFAULT 0 CHECK (used_instances >= 0),
  used_vcpus       integer NOT NULL DEFAULT 0 CHECK (used_vcpus >= 0),
  used_memory_mib  integer NOT NULL DEFAULT 0 CHECK (used_memory_mib >= 0)
);

CREATE TABLE token (
  id            uuid PRIMARY KEY,
  project_id    uuid NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
  role          text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
  secret_hash   bytea NOT NULL CHECK (length(secret_hash) = 32),
  created_at    timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz,
  revoked_at    timestamptz,
  last_used_at  timestamptz
);
CREATE INDEX token_project ON token (project_id);

CREATE TABLE instance_type (
  name        text PRIMARY KEY CHECK (name ~ '^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$'),
  vcpus       integer NOT NULL CHECK (vcpus BETWEEN 1 AND 256),
  memory_mib  integer NOT NULL CHECK (memory_mib BETWEEN 32 AND 4194304),
  disk_gib    integer NOT NULL CHECK (disk_gib BETWEEN 0 AND 65536),
  created_at  timestamptz NOT NULL DEFAULT now()
);

-- `source` says where a node finds the bytes: {"kind":"kernel-initrd","kernel":{...},"initrd":{...},"cmdline":"..."}.
CREATE TABLE image (
  id              uuid PRIMARY KEY,
  name            text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$'),
  os_family       text NOT NULL,
  architecture    text NOT NULL CHECK (architecture IN ('x86_64', 'i386')),
  format          text NOT NULL CHECK (format IN ('kernel-initrd', 'raw', 'qcow2')),
  min_memory_mib  integer NOT NULL CHECK (min_memory_mib > 0),
  sha256          text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  source          jsonb NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now()
);

-- allocatable = capacity x overcommit ratio - what the host keeps; allocated = the sum of unreleased reservations, kept by commitPlan().
CREATE TABLE node (
  id                         uuid PRIMARY KEY,
  name                       text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  worker_id                  text NOT NULL,
  state                      text NOT NULL CHECK (state IN ('up', 'unreachable', 'fenced', 'down')),
  cordoned                   boolean NOT NULL DEFAULT false,
  draining                   boolean NOT NULL DEFAULT false,
  driver                     text NOT NULL CHECK (driver IN ('kvm', 'tcg', 'v86', 'model')),
  zone                       text NOT NULL DEFAULT 'default',
  rack                       text NOT NULL DEFAULT 'default',
  labels                     jsonb NOT NULL DEFAULT '{}',
  power_model                text NOT NULL,
  agent_url                  text,
  capacity_cpu_millis        integer NOT NULL CHECK (capacity_cpu_millis > 0),
  capacity_memory_mib        integer NOT NULL CHECK (capacity_memory_mib > 0),
  capacity_disk_gib          integer NOT NULL CHECK (capacity_disk_gib >= 0),
  allocatable_cpu_millis     integer NOT NULL CHECK (allocatable_cpu_millis >= 0),
  allocatable_memory_mib     integer NOT NULL CHECK (allocatable_memory_mib >= 0),
  allocatable_disk_gib       integer NOT NULL CHECK (allocatable_disk_gib >= 0),
  allocated_cpu_millis       integer NOT NULL DEFAULT 0 CHECK (allocated_cpu_millis >= 0),
  allocated_memory_mib       integer NOT NULL DEFAULT 0 CHECK (allocated_memory_mib >= 0),
  allocated_disk_gib         integer NOT NULL DEFAULT 0 CHECK (allocated_disk_gib >= 0),
  used_cpu_millis            integer NOT NULL DEFAULT 0,
  used_memory_mib            integer NOT NULL DEFAULT 0,
  power_watts                double precision NOT NULL DEFAULT 0,
  energy_joules              double precision NOT NULL DEFAULT 0,
  cost_micros                double precision NOT NULL DEFAULT 0,
  boot_id                    text NOT NULL,
  -- changes whenever the node may have been given up: what was handed out under another one is not done any more
  lease_id                   text NOT NULL DEFAULT '',
  registered_at              timestamptz NOT NULL DEFAULT now(),
  last_seen_at               timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT node_cpu_within_allocatable CHECK (allocated_cpu_millis <= allocatable_cpu_millis),
  CONSTRAINT node_memory_within_allocatable CHECK (allocated_memory_mib <= allocatable_memory_mib),
  CONSTRAINT node_disk_within_allocatable CHECK (allocated_disk_gib <= allocatable_disk_gib)
);

CREATE TABLE instance (
  id              uuid PRIMARY KEY,
  project_id      uuid NOT NULL REFERENCES project (id),
  name            text NOT NULL CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  instance_type   text NOT NULL REFERENCES instance_type (name),
  vcpus           integer NOT NULL,
  memory_mib      integer NOT NULL,
  disk_gib        integer NOT NULL,
  image_id        uuid NOT NULL REFERENCES image (id),
  labels          jsonb NOT NULL DEFAULT '{}',
  -- {nodeSelector, group: {name, policy}, zoneSpread, drivers}: what placement must respect
  constraints     jsonb NOT NULL DEFAULT '{}',
  group_name      text,
  restart_policy  text NOT NULL CHECK (restart_policy IN ('always', 'on-failure', 'never')),
  on_isolation    text NOT NULL CHECK (on_isolation IN ('keep', 'stop')),
  desired_state   text NOT NULL CHECK (desired_state IN ('running', 'stopped', 'deleted')),
  state           text NOT NULL CHECK (state IN
                    ('pending', 'starting', 'running', 'stopping', 'stopped', 'failed', 'unknown', 'deleting', 'deleted')),
  -- why it is in this state, for people: "waits for a node", "guest killed by signal 9", ...
  reason          text,
  -- the last generation given out; a new vmm takes generation + 1
  generation      integer NOT NULL DEFAULT 0 CHECK (generation >= 0),
  restart_count   integer NOT NULL DEFAULT 0,
  restart_after   timestamptz,
  node_id         uuid REFERENCES node (id),
  -- milliseconds, as the API shows it: pages go on from the value shown
  created_at      timestamptz(3) NOT NULL DEFAULT now(),
  updated_at      timestamptz(3) NOT NULL DEFAULT now(),
  ready_at        timestamptz,
  deleted_at      timestamptz,
  CHECK ((state = 'deleted') = (deleted_at IS NOT NULL))
);
CREATE UNIQUE INDEX instance_name ON instance (project_id, name) WHERE state <> 'deleted';
CREATE INDEX instance_page ON instance (project_id, created_at DESC, id DESC) WHERE state <> 'deleted';
CREATE INDEX instance_labels ON instance USING gin (labels jsonb_path_ops) WHERE state <> 'deleted';
CREATE INDEX instance_node ON instance (node_id) WHERE state <> 'deleted';
CREATE INDEX instance_group ON instance (project_id, group_name) WHERE group_name IS NOT NULL AND state <> 'deleted';
CREATE INDEX instance_gap ON instance (updated_at)
  WHERE state <> 'deleted' AND NOT (desired_state = 'running' AND state = 'running') AND NOT (desired_state = 'stopped' AND state = 'stopped');

CREATE TABLE vmm (
  id             uuid PRIMARY KEY,
  instance_id    uuid NOT NULL REFERENCES instance (id),
  generation     integer NOT NULL CHECK (generation > 0),
  node_id        uuid NOT NULL REFERENCES node (id),
  driver         text NOT NULL CHECK (driver IN ('kvm', 'tcg', 'v86', 'model')),
  state          text NOT NULL CHECK (state IN ('scheduled', 'starting', 'running', 'stopping', 'unknown', 'gone')),
  migrating      boolean NOT NULL DEFAULT false,
  pid            integer,
  exit_reason    text,
  exit_detail    text,
  used_cpu_millis     integer NOT NULL DEFAULT 0,
  used_memory_mib     integer NOT NULL DEFAULT 0,
  cpu_seconds         double precision NOT NULL DEFAULT 0,
  created_at     timestamptz NOT NULL DEFAULT now(),
  started_at     timestamptz,
  ready_at       timestamptz,
  gone_at        timestamptz,
  observed_at    timestamptz NOT NULL DEFAULT now(),
  UNIQUE (instance_id, generation),
  CHECK ((state = 'gone') = (gone_at IS NOT NULL)),
  CHECK ((state = 'gone') = (exit_reason IS NOT NULL))
);
-- One live vmm per instance; the target of an open migration is the only second one (its row says `migrating`).
CREATE UNIQUE INDEX vmm_one_live ON vmm (instance_id) WHERE state <> 'gone' AND NOT migrating;
CREATE UNIQUE INDEX vmm_one_target ON vmm (instance_id) WHERE state <> 'gone' AND migrating;
CREATE INDEX vmm_node_live ON vmm (node_id) WHERE state <> 'gone';

CREATE TABLE reservation (
  id           uuid PRIMARY KEY,
  vmm_id       uuid NOT NULL REFERENCES vmm (id),
  instance_id  uuid NOT NULL REFERENCES instance (id),
  node_id      uuid NOT NULL REFERENCES node (id),
  state        text NOT NULL CHECK (state IN ('active', 'target', 'released')),
  cpu_millis   integer NOT NULL CHECK (cpu_millis > 0),
  memory_mib   integer NOT NULL CHECK (memory_mib > 0),
  disk_gib     integer NOT NULL CHECK (disk_gib >= 0),
  created_at   timestamptz NOT NULL DEFAULT now(),
  released_at  timestamptz,
  CHECK ((state = 'released') = (released_at IS NOT NULL))
);
CREATE UNIQUE INDEX reservation_vmm ON reservation (vmm_id) WHERE state <> 'released';
CREATE INDEX reservation_node ON reservation (node_id) WHERE state <> 'released';

-- The outbox: written in the transaction of the change it carries; a sweep re-dispatches rows whose job made no progress.
CREATE TABLE operation (
  id               uuid PRIMARY KEY,
  project_id       uuid REFERENCES project (id),
  kind             text NOT NULL CHECK (kind IN
                     ('create-instance', 'start-instance', 'stop-instance', 'reboot-instance', 'delete-instance', 'move-instance',
                      'drain-node')),
  state            text NOT NULL CHECK (state IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
  -- who asked: 'user', or the loop that did: 'restart-policy', 'drain', 'reconcile'
  initiator        text NOT NULL DEFAULT 'user',
  instance_id      uuid REFERENCES instance (id),
  node_id          uuid REFERENCES node (id),
  vmm_id           uuid REFERENCES vmm (id),
  generation       integer,
  -- place: waits for the placement loop. dispatch: waits for the dispatch loop. node: a node works on it. done: ended.
  stage            text NOT NULL CHECK (stage IN ('place', 'dispatch', 'node', 'done')),
  progress_percent integer NOT NULL DEFAULT 0 CHECK (progress_percent BETWEEN 0 AND 100),
  -- [{phase, offsetMs}] in order, offsets from created_at; the last one is the total
  timeline         jsonb NOT NULL DEFAULT '[]',
  problem          jsonb,
  result           jsonb,
  attempts         integer NOT NULL DEFAULT 0,
  created_at       timestamptz(3) NOT NULL DEFAULT now(),
  updated_at       timestamptz(3) NOT NULL DEFAULT now(),
  deadline_at      timestamptz NOT NULL,
  placed_at        timestamptz,
  dispatched_at    timestamptz,
  -- the dispatch sweep takes rows whose time has come
  next_attempt_at  timestamptz NOT NULL DEFAULT now(),
  ended_at         timestamptz,
  CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (ended_at IS NOT NULL)),
  CHECK ((stage = 'done') = (ended_at IS NOT NULL)),
  CHECK ((state = 'failed') = (problem IS NOT NULL))
);
CREATE INDEX operation_place ON operation (next_attempt_at, created_at) WHERE stage = 'place';
CREATE INDEX operation_dispatch ON operation (next_attempt_at) WHERE stage IN ('dispatch', 'node');
CREATE INDEX operation_deadline ON operation (deadline_at) WHERE ended_at IS NULL;
CREATE INDEX operation_instance ON operation (instance_id, created_at DESC);
CREATE INDEX operation_page ON operation (project_id, created_at DESC, id DESC);
-- One open operation changes an instance at a time; a delete may overtake (it cancels the other in its transaction).
CREATE UNIQUE INDEX operation_one_open ON operation (instance_id) WHERE ended_at IS NULL AND instance_id IS NOT NULL;
CREATE UNIQUE INDEX operation_one_drain ON operation (node_id) WHERE ended_at IS NULL AND kind = 'drain-node';

-- Why an instance is where it is (or nowhere): the decision record behind `explain`.
CREATE TABLE decision (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  instance_id  uuid NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
  operation_id uuid NOT NULL,
  generation   integer,
  outcome      text NOT NULL CHECK (outcome IN ('placed', 'unplaceable', 'refused')),
  node_id      uuid REFERENCES node (id),
  policy       text NOT NULL,
  explanation  jsonb NOT NULL,
  decided_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX decision_instance ON decision (instance_id, id DESC);

CREATE TABLE migration (
  id             uuid PRIMARY KEY,
  instance_id    uuid NOT NULL REFERENCES instance (id),
  source_vmm_id  uuid NOT NULL REFERENCES vmm (id),
  target_vmm_id  uuid NOT NULL REFERENCES vmm (id),
  state          text NOT NULL CHECK (state IN ('planned', 'running', 'succeeded', 'failed')),
  reason         text NOT NULL,
  downtime_ms    integer,
  created_at     timestamptz NOT NULL DEFAULT now(),
  ended_at       timestamptz,
  CHECK (source_vmm_id <> target_vmm_id),
  CHECK ((state IN ('succeeded', 'failed')) = (ended_at IS NOT NULL))
);
CREATE UNIQUE INDEX migration_one_open ON migration (instance_id) WHERE ended_at IS NULL;

-- Proof that a vmm of an unreachable node runs no more. A second vmm of its instance needs one.
CREATE TABLE fence (
  id            uuid PRIMARY KEY,
  vmm_id        uuid NOT NULL REFERENCES vmm (id) UNIQUE,
  node_id       uuid NOT NULL REFERENCES node (id),
  method        text NOT NULL CHECK (method IN ('node-reported', 'guard-deadline', 'power-cut', 'operator')),
  evidence      jsonb NOT NULL DEFAULT '{}',
  recorded_at   timestamptz NOT NULL DEFAULT now()
);

-- A vmm becomes `gone` only with a fence on record: the same transaction writes both.
CREATE FUNCTION vmm_gone_needs_fence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = 'gone' AND NOT EXISTS (SELECT 1 FROM fence WHERE vmm_id = NEW.id) THEN
    RAISE EXCEPTION 'vmm % cannot be gone without a fence', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'vmm_gone_needs_fence';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER vmm_gone_needs_fence AFTER INSERT OR UPDATE OF state ON vmm
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'gone') EXECUTE FUNCTION vmm_gone_needs_fence();

CREATE TABLE event (
  seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind         text NOT NULL,
  project_id   uuid REFERENCES project (id),
  instance_id  uuid,
  node_id      uuid,
  operation_id uuid,
  message      text NOT NULL,
  detail       jsonb NOT NULL DEFAULT '{}',
  at           timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX event_project ON event (project_id, seq);
CREATE INDEX event_instance ON event (instance_id, seq) WHERE instance_id IS NOT NULL;

CREATE TABLE idempotency (
  project_id    uuid NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  key           text NOT NULL CHECK (length(key) BETWEEN 1 AND 128),
  request_hash  bytea NOT NULL,
  -- json, not jsonb: a replay answers byte for byte what the first answer was
  response      json NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);
