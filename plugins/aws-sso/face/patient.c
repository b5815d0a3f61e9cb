/*
 * patient.c - commands that come before anything was read from AWS.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/face/parts.h"

#define AGAIN_AFTER	250		/* ms */
#define TRIES		24

struct patient {
	struct bh_call *call;
	void *state;
	patient_fn *run;
	int tries;
};

static void
try_again(void *arg)
{
	struct patient *p = arg;
	struct bh_call *call = p->call;
	int result = p->run(call, p->state, ++p->tries >= TRIES);

	if (result == BH_EBUSY && p->tries < TRIES) {
		bh_after(sso_of(p->state)->host, AGAIN_AFTER, try_again, p);
		return;
	}
	free(p);
	if (result != BH_PENDING)
		bh_end(call, result);
}

static void
directory_is_read(void *arg, int result, const char *error)
{
	struct patient *p = arg;

	if (result >= 0) {
		try_again(p);
		return;
	}
	bh_fail(p->call, "I cannot read the Identity Center: %s. Ask an admin "
	    "to look at !status.", error != NULL ? error : "no answer");
	bh_end(p->call, result);
	free(p);
}

int
face_patient(struct bh_call *call, void *state, patient_fn *run)
{
	struct sso *sso = sso_of(state);
	const char *trouble;
	struct patient *p;
	int result = BH_EBUSY;

	if (directory_age(sso->directory, &trouble) != 0)
		result = run(call, state, false);
	if (result != BH_EBUSY)
		return result;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		abort();
	*p = (struct patient){ call, state, run, 0 };
	if (directory_age(sso->directory, &trouble) == 0)
		directory_refresh(sso->directory, AWS_INTERACTIVE,
		    directory_is_read, p);
	else
		bh_after(sso->host, AGAIN_AFTER, try_again, p);
	return BH_PENDING;
}
