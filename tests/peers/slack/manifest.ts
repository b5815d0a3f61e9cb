// manifest.ts - the type of an app manifest, for a strict schema of it.
// SPDX-License-Identifier: Apache-2.0

import type { AppsManifestValidateArguments } from '@slack/web-api';

export type TheManifest = AppsManifestValidateArguments['manifest'];
