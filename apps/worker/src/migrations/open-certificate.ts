import type { WorkerConfig } from '../config.js';
import { showCertificate, type WorkerMetrics } from '../report/worker.metrics.js';
import { NodeCertificate } from './node-certificate.js';

/** As the worker was told, and for its metrics to show. */
export function openCertificate(config: WorkerConfig, metrics: WorkerMetrics, onRenewed: () => void): NodeCertificate {
  const { BERTH_TLS_DIR: folder, BERTH_NODE_NAME: nodeName, BERTH_MIGRATION_PLAIN: plain } = config;
  const certificate = new NodeCertificate({ folder, nodeName, plain, onRenewed });
  showCertificate(metrics, nodeName, certificate);
  return certificate;
}
