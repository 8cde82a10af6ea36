# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completion of amdvi-inspect in bash.  The program itself knows what may
# stand where; what it has no words for are names of files.

_amdvi_inspect()
{
    local line=${COMP_LINE:0:COMP_POINT} words before
    read -ra words <<< "$line"
    # A space at the end begins another word.
    if [[ $line = *[[:space:]] ]]; then
        words+=("")
    fi
    mapfile -t COMPREPLY < \
        <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
    # A value follows a key at once.
    if [[ ${COMPREPLY[0]-} = *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
    # bash takes what follows the last colon or "=" for the word.
    before=${words[-1]%"${words[-1]##*[:=]}"}
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
}

complete -o default -F _amdvi_inspect amdvi-inspect
