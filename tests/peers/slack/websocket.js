// websocket.js - the server's end of a WebSocket, which may misbehave on purpose.
// SPDX-License-Identifier: Apache-2.0
//
// RFC 6455.  Written out here because a server for tests must be able to do
// what libraries prevent: say nothing, cut messages in pieces, never finish a
// close.

import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';

const TEXT = 1, CLOSE = 8, PING = 9, PONG = 10;
const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

function frame(opcode, payload, fin = true) {
	const size = payload.length;
	const head = size < 126 ? Buffer.from([0, size]) :
		size < 65536 ? Buffer.from([0, 126, size >> 8, size & 255]) :
		Buffer.concat([Buffer.from([0, 127, 0, 0, 0, 0]),
			Buffer.from([size >>> 24, size >> 16, size >> 8, size])]);
	head[0] = (fin ? 0x80 : 0) | opcode;
	return Buffer.concat([head, payload]);
}

// Emits 'message' (text), 'ping', 'pong' (data), 'closing' (code: the client
// said goodbye) and 'gone' (the connection is).
export class WebSocketEnd extends EventEmitter {
	#rest = Buffer.alloc(0);
	#pieces = [];
	answersClose = true;
	answersPing = true;
	open = true;

	constructor(socket, head) {
		super();
		this.socket = socket;
		socket.setNoDelay(true);
		socket.on('error', () => {});
		socket.on('end', () => socket.end());	// half a connection is none
		socket.on('close', () => {
			this.open = false;
			this.emit('gone');
		});
		socket.on('data', (data) => this.#data(data));
		if (head.length > 0)
			this.#data(head);
	}

	#fail(why) {
		this.emit('broken', why);
		this.socket.destroy();
	}

	#data(data) {
		this.#rest = Buffer.concat([this.#rest, data]);
		for (;;) {
			const b = this.#rest;
			if (b.length < 2)
				return;
			const short = b[1] & 127;
			const at = short === 126 ? 4 : short === 127 ? 10 : 2;
			if (b.length < at + 4)
				return;
			const size = short === 126 ? b.readUInt16BE(2) :
				short === 127 ? Number(b.readBigUInt64BE(2)) : short;
			if ((b[1] & 0x80) === 0)
				return this.#fail('a client must mask its frames');
			if ((b[0] & 0x70) !== 0)
				return this.#fail('reserved bits are set');
			if (b.length < at + 4 + size)
				return;
			const payload = Buffer.from(b.subarray(at + 4, at + 4 + size));
			for (let i = 0; i < size; i++)
				payload[i] ^= b[at + (i & 3)];
			this.#rest = b.subarray(at + 4 + size);
			this.#frame(b[0] & 15, (b[0] & 0x80) !== 0, payload);
		}
	}

	#frame(opcode, fin, payload) {
		if (opcode === CLOSE) {
			const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
			this.emit('closing', code);
			if (this.answersClose) {
				this.socket.write(frame(CLOSE, payload));
				this.socket.end();
			}
		} else if (opcode === PING) {
			if (this.answersPing)
				this.socket.write(frame(PONG, payload));
			this.emit('ping');
		} else if (opcode === PONG) {
			this.emit('pong', payload.toString());
		} else {
			this.#pieces.push(payload);
			if (!fin)
				return;
			const whole = Buffer.concat(this.#pieces);
			this.#pieces = [];
			this.emit('message', new TextDecoder('utf-8', { fatal: true })
				.decode(whole));
		}
	}

	// As one frame, or cut in frames of so many bytes, with a ping among them.
	send(text, { pieces } = {}) {
		const whole = Buffer.from(text);
		if (!this.open || this.silent || !this.socket.writable)
			return false;
		if (pieces === undefined)
			return this.socket.write(frame(TEXT, whole)) || true;
		for (let i = 0; i < whole.length; i += pieces) {
			const last = i + pieces >= whole.length;
			this.socket.write(frame(i === 0 ? TEXT : 0,
				whole.subarray(i, i + pieces), last));
			if (i === 0 && !last)
				this.ping('among pieces');
		}
		return true;
	}

	ping(data = '') {
		if (this.open && !this.silent)
			this.socket.write(frame(PING, Buffer.from(data)));
	}

	close(code = 1000) {
		if (this.open && !this.silent)
			this.socket.write(frame(CLOSE,
				Buffer.from([code >> 8, code & 255])));
	}

	// A connection as it is after a router has forgotten it.
	silence() {
		this.socket.pause();
		this.answersClose = this.answersPing = false;
		this.silent = true;
	}

	reset() {
		this.socket.resetAndDestroy();
	}
}

// Answers the handshake; gives the end, or undefined when it was refused.
export function accept(request, socket, head) {
	const key = request.headers['sec-websocket-key'];
	if (request.headers['sec-websocket-version'] !== '13' || !key) {
		refuse(socket, 400);
		return undefined;
	}
	const proof = createHash('sha1').update(key + magic).digest('base64');
	socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n' +
		`Connection: Upgrade\r\nSec-WebSocket-Accept: ${proof}\r\n\r\n`);
	return new WebSocketEnd(socket, head);
}

export function refuse(socket, status) {
	socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\n` +
		'Connection: close\r\n\r\n');
}
