# SPDX-License-Identifier: Apache-2.0
# Completion for bash. It knows no word itself: commands and options are those that
# pointsman's own table of commands shows in its help.
_pointsman()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} words=

	if [ "$COMP_CWORD" -eq 1 ]; then
		words=$("${COMP_WORDS[0]}" --help | sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p')
	elif [ "$before" = -c ] || [ "$before" = --config ]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
	elif [[ $word = -* ]]; then
		words=$("${COMP_WORDS[0]}" "$command" --help 2>/dev/null |
			sed -n 's/^  .*\(--[a-z-]\{1,\}\) .*/\1/p')
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _pointsman pointsman
