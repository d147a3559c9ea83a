import { ImageImportRepository } from '@berth/database/image-import.repository.js';
import { networksOf } from '@berth/images/fetch/address.js';
import { publicOnly, type FetchPolicy } from '@berth/images/fetch/guarded-fetch.js';
import { ImageStore } from '@berth/images/image-store.js';
import type { Logger } from '@berth/observability/logger.js';
import type { Provider } from '@nestjs/common';
import type { ApiConfig } from '../config.js';
import { ImageImporter } from './image-importer.js';
import { ImagesService } from './images.service.js';

/** What brings images in. */
export function imageProviders(config: ApiConfig, store: ImageStore, logger: Logger): Provider[] {
  const policy: FetchPolicy = {
    ...publicOnly,
    plainHttp: config.BERTH_IMAGE_PLAIN_HTTP,
    mayReach: networksOf(config.BERTH_IMAGE_NETWORKS),
  };
  return [
    { provide: ImageStore, useValue: store },
    {
      provide: ImageImporter,
      useFactory: (imports: ImageImportRepository) => new ImageImporter(imports, store, policy, logger),
      inject: [ImageImportRepository],
    },
    ImagesService,
  ];
}
