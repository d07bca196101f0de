
# Strategies have ':' and '=' in them (mixcse:lambda=0.3), at which bash cuts words before it asks. The line is cut at
# spaces instead for the function above, and of each answer only the end is given back that bash will put in.
_mixcse_strategies() {
    local typed="${COMP_LINE:0:${COMP_POINT}}" rest="${COMP_LINE:${COMP_POINT}}" unbroken before index
    local -a COMP_WORDS
    read -ra COMP_WORDS <<<"${typed}"
    [[ "${typed}" == *[[:space:]] ]] && COMP_WORDS+=('')
    local -i COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    unbroken="${COMP_WORDS[COMP_CWORD]}"
    read -ra rest <<<"${rest}"
    COMP_WORDS+=("${rest[@]}")
    COMPREPLY=()
    _mixcse "${1}" "${unbroken}" "${COMP_WORDS[COMP_CWORD > 0 ? COMP_CWORD - 1 : 0]}"
    before="${unbroken%"${unbroken##*[:=]}"}"
    for index in "${!COMPREPLY[@]}"; do
        # A name is no file: bash would write its signs as if they were part of a path.
        [[ -e "${COMPREPLY[index]}" ]] || compopt +o filenames
        [[ "${COMPREPLY[index]}" == *= ]] && compopt -o nospace
        COMPREPLY[index]="${COMPREPLY[index]#"${before}"}"
    done
}
complete -o filenames -F _mixcse_strategies mixcse
