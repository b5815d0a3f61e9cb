// faults.js - what goes wrong on purpose with the next calls of the Web API.
// SPDX-License-Identifier: Apache-2.0

// A fault: `method` (all if unset), `channel`, `when` (a function of the
// call), `times` (1), `after` (so many pass first), and one of
//	error: 'word'	{"ok":false,"error":word}
//	status: N	that status, with `headers`; nothing is done
//	done: true	the work is done, and then the fault happens
//	reset: true	the connection breaks
//	hang: true	no answer ever comes
//	delay: ms	the answer comes late
export class Faults {
	#faults = [];

	add(fault) {
		const one = { times: 1, after: 0, hits: 0, ...fault };
		this.#faults.push(one);
		return one;
	}

	// 429, as Slack says it; for `channel` alone if that is given.
	limit(method, seconds, more = {}) {
		return this.add({ method, status: 429, error: 'ratelimited',
			headers: { 'retry-after': String(seconds) }, ...more });
	}

	calm() {
		this.#faults = [];
	}

	of(call) {
		for (const fault of this.#faults) {
			if (fault.times <= 0 ||
			    (fault.method !== undefined && fault.method !== call.method) ||
			    (fault.channel !== undefined &&
			    fault.channel !== call.body.channel) ||
			    (fault.when !== undefined && !fault.when(call)))
				continue;
			if (fault.after-- > 0)
				return undefined;
			fault.times--;
			fault.hits++;
			return fault;
		}
		return undefined;
	}
}
