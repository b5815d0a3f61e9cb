// card.ts - the type that check.js makes a strict schema of.
// SPDX-License-Identifier: Apache-2.0

import type { IAdaptiveCard } from '@microsoft/teams.cards';

export type Card = IAdaptiveCard;
