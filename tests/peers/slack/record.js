// record.js - all that happened so far, what was wrong with it, and waiting for more.
// SPDX-License-Identifier: Apache-2.0

export class Record {
	#waiting = new Set();
	#timer;
	requests = [];		// of the Web API and of response_urls
	deliveries = [];	// by us, with how they were answered
	complaints = [];	// what no app may do

	complain(...what) {
		this.complaints.push(...what);
	}

	// Something happened: whoever waits looks again, soon.
	changed() {
		this.#timer ??= setImmediate(() => {
			this.#timer = undefined;
			for (const look of this.#waiting)
				look();
		});
	}

	// Looks whenever something happened, until it sees something; `what` it
	// waits for is a text or a function that gives one.
	until(look, what = 'something', seconds = 30) {
		return new Promise((done, fail) => {
			const end = (how, value) => {
				clearTimeout(timer);
				clearInterval(often);
				this.#waiting.delete(attempt);
				how(value);
			};
			const attempt = () => {
				try {
					const found = look();
					if (found !== undefined && found !== false &&
					    found !== null)
						end(done, found);
				} catch (error) {
					end(fail, error);
				}
			};
			const timer = setTimeout(() => end(fail, new Error(
				`waited ${seconds} s for ${typeof what === 'function' ? what() :
					what}`)), seconds * 1000);
			const often = setInterval(attempt, 200);
			this.#waiting.add(attempt);
			attempt();
		});
	}

	// The calls of a method so far, answered.
	calls(method) {
		return this.requests.filter((r) => r.method === method &&
			r.status !== undefined);
	}
}
