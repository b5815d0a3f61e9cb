#!/bin/sh
# sigv4.sh - our own signing cases, and more in $SIGV4_CASES if that is set.
# SPDX-License-Identifier: Apache-2.0
exec "${top_builddir:?}/sigv4-vectors" "${top_srcdir:?}/tests/data/sigv4" \
	${SIGV4_CASES:+"$SIGV4_CASES"}
