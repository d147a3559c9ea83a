import { latencySeconds, type MetricEntry } from '../entry.js';

const perInstance = ['node', 'instance_id'] as const;

/** Per-instance series come from real drivers only and vanish with their vmm; a model worker holds thousands. */
export const workerMetrics = {
  berth_job_duration_seconds: {
    type: 'histogram',
    help: 'Time of one job on the worker',
    labels: ['kind', 'outcome'],
    buckets: latencySeconds,
    from: 'worker',
  },
  berth_job_wait_seconds: {
    type: 'histogram',
    help: 'Time a job waited in the queue of its worker, by wall clocks',
    labels: ['kind'],
    buckets: latencySeconds,
    from: 'worker',
  },
  berth_observations_sent_total: {
    type: 'counter',
    help: 'Observations the stream accepted',
    labels: ['kind'],
    from: 'worker',
  },
  berth_observations_unsent: {
    type: 'gauge',
    help: 'Observations held back because the stream cannot be reached',
    labels: [],
    from: 'worker',
  },
  berth_observations_dropped_total: {
    type: 'counter',
    help: 'Observations given up while the stream could not be reached, beats first',
    labels: [],
    from: 'worker',
  },
  berth_worker_lease_age_seconds: {
    type: 'gauge',
    help: 'Time since the stream last accepted a beat of this worker',
    labels: [],
    from: 'worker',
  },
  berth_worker_vmms: {
    type: 'gauge',
    help: 'Vmms this worker holds, by driver and observed state',
    labels: ['driver', 'state'],
    from: 'worker',
  },
  berth_worker_vmms_ended_total: {
    type: 'counter',
    help: 'Vmms that ended, by driver and reason',
    labels: ['driver', 'reason'],
    from: 'worker',
  },
  berth_worker_vmms_adopted_total: {
    type: 'counter',
    help: 'Vmms found running and taken up again when the worker started',
    labels: ['driver'],
    from: 'worker',
  },
  berth_engine_probe_seconds: {
    type: 'gauge',
    help: 'What the last trial of an engine took, by its verdict; 0 when it was not tried',
    labels: ['node', 'engine', 'verdict'],
    from: 'worker',
  },
  berth_node_certificate_expires_timestamp_seconds: {
    type: 'gauge',
    help: 'When the certificate by which guests move encrypted is over, in Unix time; absent: there is none',
    labels: ['node'],
    from: 'worker',
  },
  berth_template_starts_total: {
    type: 'counter',
    help: 'Starts by what they began from: warm, a template; cold, a boot; failed, a boot after a template of no use',
    labels: ['outcome'],
    from: 'worker',
  },
  berth_template_builds_total: {
    type: 'counter',
    help: 'Templates made, or not',
    labels: ['outcome'],
    from: 'worker',
  },
  berth_templates: {
    type: 'gauge',
    help: 'Templates that guests can start from on this worker',
    labels: [],
    from: 'worker',
  },
  berth_template_bytes: {
    type: 'gauge',
    help: 'What the files of the templates take',
    labels: [],
    from: 'worker',
  },
  berth_instance_memory_private_bytes: {
    type: 'gauge',
    help: 'Resident memory of the vmm that no other one shares: what its end gives back',
    labels: perInstance,
    from: 'worker',
  },
  berth_instance_info: {
    type: 'gauge',
    help: 'Always 1; joins the names of an instance to its other metrics',
    labels: [...perInstance, 'name', 'project', 'driver'],
    from: 'worker',
  },
  berth_instance_cpu_usage_seconds_total: {
    type: 'counter',
    help: 'CPU time of the vmm on its host',
    labels: perInstance,
    from: 'worker',
  },
  berth_instance_vcpu_usage_seconds_total: {
    type: 'counter',
    help: 'The part of the CPU time of the vmm that the vcpus of its guest ran; the rest is the engine and its guard',
    labels: perInstance,
    from: 'worker',
  },
  berth_instance_cpu_delay_seconds_total: {
    type: 'counter',
    help: 'Time the vcpus of the guest waited for a core of the host, summed; as a share of its vcpus: CPU ready',
    labels: perInstance,
    from: 'worker',
  },
  berth_instance_storage_read_bytes_total: {
    type: 'counter',
    help: 'What the guest read from its drives; absent: it has none, or its engine does not tell',
    labels: perInstance,
    from: 'worker',
  },
  berth_instance_storage_written_bytes_total: {
    type: 'counter',
    help: 'What the guest wrote to its drives',
    labels: perInstance,
    from: 'worker',
  },
  berth_instance_storage_reads_total: {
    type: 'counter',
    help: 'Read operations of the guest on its drives',
    labels: perInstance,
    from: 'worker',
  },
  berth_instance_storage_writes_total: {
    type: 'counter',
    help: 'Write operations of the guest on its drives',
    labels: perInstance,
    from: 'worker',
  },
  berth_instance_storage_read_time_seconds_total: {
    type: 'counter',
    help: 'Time the reads of the guest took, each by itself: of two at once both',
    labels: perInstance,
    from: 'worker',
  },
  berth_instance_storage_write_time_seconds_total: {
    type: 'counter',
    help: 'Time the writes of the guest took, each by itself',
    labels: perInstance,
    from: 'worker',
  },
  berth_instance_memory_resident_bytes: {
    type: 'gauge',
    help: 'Resident memory of the vmm on its host',
    labels: perInstance,
    from: 'worker',
  },
  berth_instance_memory_assigned_bytes: {
    type: 'gauge',
    help: 'Memory the guest was given',
    labels: perInstance,
    from: 'worker',
  },
  berth_instance_heartbeat_age_seconds: {
    type: 'gauge',
    help: 'Time since the guest itself last gave a sign of life',
    labels: perInstance,
    from: 'worker',
  },
} as const satisfies Record<string, MetricEntry>;
