# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completion of amdvi-inspect in fish.  The program itself knows what may
# stand where; what it has no words for are names of files.

function __amdvi_inspect_words
    set -l words (commandline -opc)
    set -l found ($words[1] complete -- $words[2..-1] (commandline -ct) \
        2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end

complete -c amdvi-inspect -f -a '(__amdvi_inspect_words)'
