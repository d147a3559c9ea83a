import { rate, type RowSpec } from '../panel.js';

const named = '* on (instance_id) group_left (name) berth_instance_info{node=~"$node",project=~"$project"}';

export const instances: RowSpec = {
  title: 'Vmms and instances (per instance: real drivers only)',
  panels: [
    {
      title: 'CPU of each instance on its host',
      says: 'Cores the vmm uses, its guard included.',
      unit: 'short',
      queries: { '{{name}}': `${rate('berth_instance_cpu_usage_seconds_total')} ${named}` },
    },
    {
      title: 'CPU delay of each instance',
      says: 'Vcpus that waited for a core of their host, on average; above 5 % of them its host is too full.',
      unit: 'short',
      queries: { '{{name}}': `${rate('berth_instance_cpu_delay_seconds_total')} ${named}` },
    },
    {
      title: 'Reads and writes of each instance',
      says: 'What its guest moves from and to its drives, in both directions.',
      unit: 'Bps',
      queries: {
        '{{name}} read': `${rate('berth_instance_storage_read_bytes_total')} ${named}`,
        '{{name}} written': `${rate('berth_instance_storage_written_bytes_total')} ${named}`,
      },
    },
    {
      title: 'Operations of each instance on its drives',
      says: 'How many reads and writes its guest ends in a second.',
      unit: 'iops',
      queries: {
        '{{name}} reads': `${rate('berth_instance_storage_reads_total')} ${named}`,
        '{{name}} writes': `${rate('berth_instance_storage_writes_total')} ${named}`,
      },
    },
    {
      title: 'Resident memory of each instance',
      says: 'What the vmm holds of the memory of its host.',
      unit: 'bytes',
      queries: { '{{name}}': `berth_instance_memory_resident_bytes ${named}` },
    },
    {
      title: 'Resident / assigned memory',
      says: 'Above 100 % the emulator costs more than the guest was given.',
      unit: 'percentunit',
      queries: {
        '{{name}}': `berth_instance_memory_resident_bytes / berth_instance_memory_assigned_bytes ${named}`,
      },
    },
    {
      title: 'Memory in use inside each guest',
      says: 'As its own kernel says: less what its programs could still take, in parts of what it has.',
      unit: 'percentunit',
      queries: {
        '{{name}}':
          'berth_instance_memory_used_bytes / (berth_instance_memory_used_bytes' +
          ` + berth_instance_memory_available_bytes) ${named}`,
      },
    },
    {
      title: 'Last sign of life of the guest',
      says: 'Guests beat once a second; a rising line is a guest that hangs.',
      unit: 's',
      queries: { '{{name}}': `berth_instance_heartbeat_age_seconds ${named}` },
    },
    {
      title: 'Vmms by driver and state',
      says: 'What the workers hold, as they see it themselves.',
      unit: 'short',
      queries: { '{{driver}} {{state}}': 'sum by (driver, state) (berth_worker_vmms)' },
    },
    {
      title: 'Vmms ended',
      says: 'By reason; all but stopped, deleted and guest-poweroff were not asked for.',
      unit: 'ops',
      queries: { '{{reason}}': `sum by (reason) (${rate('berth_worker_vmms_ended_total')})` },
    },
  ],
};
