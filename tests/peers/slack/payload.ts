// payload.ts - the types that schema.js makes strict schemas of: what an app may send to Slack, and what Slack sends to apps.
// SPDX-License-Identifier: Apache-2.0

import type { BlockAction, BlockOptions, BlockSuggestion, EnvelopedEvent,
	GlobalShortcut, MessageShortcut, OptionGroups, SlashCommand,
	ViewResponseAction, ViewSubmitAction } from '@slack/bolt';
import type { HomeView, KnownBlock, MessageMetadata, ModalView } from '@slack/types';
import type { ChatPostEphemeralArguments, ChatPostMessageArguments,
	ChatUpdateArguments, ViewsOpenArguments, ViewsPublishArguments,
	ViewsPushArguments, ViewsUpdateArguments } from '@slack/web-api';

// By an app.
export type TheBlock = KnownBlock;
export type TheModal = ModalView;
export type TheHome = HomeView;
// Bolt's RespondArguments, which lets the generator think that attachments
// are a must.
export interface TheResponse {
	response_type?: 'in_channel' | 'ephemeral';
	replace_original?: boolean;
	delete_original?: boolean;
	text?: string;
	blocks?: KnownBlock[];
	thread_ts?: string;
	metadata?: MessageMetadata;
	unfurl_links?: boolean;
	unfurl_media?: boolean;
	mrkdwn?: boolean;
}
export type TheViewAnswer = ViewResponseAction;
export type TheSuggestions = BlockOptions | OptionGroups<BlockOptions>;
export type ThePostMessage = ChatPostMessageArguments;
export type ThePostEphemeral = ChatPostEphemeralArguments;
export type TheUpdate = ChatUpdateArguments;
export type TheOpen = ViewsOpenArguments;
export type ThePush = ViewsPushArguments;
export type TheUpdateView = ViewsUpdateArguments;
export type ThePublish = ViewsPublishArguments;

// By Slack.
export type FromCommand = SlashCommand;
export type FromButton = BlockAction;
export type FromSuggestion = BlockSuggestion;
export type FromSubmission = ViewSubmitAction;
export type FromShortcut = GlobalShortcut;
export type FromMessageShortcut = MessageShortcut;
export type FromEvent = EnvelopedEvent;
