import { describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';

import { given, PRODUCTION } from './__fixtures__/operator.js';
import { ConfigurationModule } from './configuration.module.js';
import { loadConfiguration, requireBootConfiguration } from './load-configuration.js';
import { CONFIGURATION } from './registry.js';

describe('ConfigurationModule', () => {
  it('gives the very configuration it was made for', async () => {
    const configuration = requireBootConfiguration(loadConfiguration(given({ environment: PRODUCTION })));
    const imports = [ConfigurationModule.forRoot(configuration)];
    const module = await Test.createTestingModule({ imports }).compile();
    expect(module.get(CONFIGURATION)).toBe(configuration);
  });
});
