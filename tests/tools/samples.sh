#!/bin/sh
# samples.sh - the sample files of conf/ are good, and mistakes in them are told.
# SPDX-License-Identifier: Apache-2.0
set -eu
umask 022
dir=$(mktemp -d "${TMPDIR:-/tmp}/bellhop-samples-XXXXXX")
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/team.d"
cat "${top_srcdir:?}/conf/bellhop.yaml" >"$dir/bellhop.yaml"
cat "$top_srcdir/conf/team.d/payments.yaml" >"$dir/team.d/payments.yaml"

# check WORDS... - check-config says so of the file as it is now.
check()
{
	"$BELLHOP" check-config "$dir/bellhop.yaml" >"$dir/said" 2>&1 || :
	for words; do
		grep -qF -e "$words" "$dir/said" && continue
		echo "samples: check-config does not say \"$words\", but:" >&2
		cat "$dir/said" >&2
		exit 1
	done
}

# spoil FILE SED WORDS... - the file, changed so, is refused in these words.
spoil()
{
	file=$dir/$1
	cp "$file" "$dir/kept"
	sed "$2" "$dir/kept" >"$file"
	if cmp -s "$file" "$dir/kept"; then
		echo "samples: \"$2\" changes nothing in $1" >&2
		exit 1
	fi
	shift 2
	check "$@"
	cp "$dir/kept" "$file"
}

check "bellhop.yaml: good"
spoil bellhop.yaml 's/^admins:/admin:/' 'did you mean "admins"?'
spoil bellhop.yaml 's/^admins: \[grace@acme.example\]/admins: [grace@acme.example/' \
	'line 21 is not closed'
spoil bellhop.yaml 's/longest: 12h/longest: soon/' 'bellhop.yaml:'
spoil bellhop.yaml 's/commands: \[approve/commands: [*/' 'put quotes round'
spoil team.d/payments.yaml 's/\[prod-payments\]/[prod-paymens]/' \
	'is not delegated to team payments' 'Did you mean prod-payments'
spoil team.d/payments.yaml 's/"ou:.*"/"ou:\/Platform\/**"/' \
	'is not delegated to team payments'
spoil team.d/payments.yaml 's/approvers:/aprovers:/' 'did you mean approvers?'
spoil team.d/payments.yaml 's/longest: 8h/longest: 9h/' 'longest'
spoil team.d/payments.yaml 's/^rooms: .*/rooms: ["acme\/#other"]/' \
	'room "acme/#other" is not delegated'
chmod 666 "$dir/bellhop.yaml"
check 'can be written by everybody' 'chmod go-w'
chmod 644 "$dir/bellhop.yaml"
check "bellhop.yaml: good"
