"""`longshot completion`: a script for a shell that knows every command and option, so that Tab waits for nothing."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal

import typer

from app.cli.refusals import one_line
from app.cli.trees import Command, Parameter, every_command

Shell = Literal["bash", "zsh", "fish"]

_BASH: Final = """\
_longshot() {{
    local word path="" i
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${{COMP_WORDS[i]}}
        case "$path $word" in
            {paths}) path="$path $word" ;;
        esac
    done
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
    case "$path $previous" in
{values}
    esac
    case "$path" in
{words}
    esac
}}
complete -o default -F _longshot longshot
"""


@one_line
def command(shell: Annotated[Shell, typer.Argument(help="Which shell.")]) -> None:
    """Print the script that completes commands and options in a shell.

    bash: longshot completion bash > ~/.local/share/bash-completion/completions/longshot

    zsh: echo 'source <(longshot completion zsh)' >> ~/.zshrc

    fish: longshot completion fish > ~/.config/fish/completions/longshot.fish
    """
    commands = list(every_command())
    if shell == "fish":
        typer.echo("\n".join(_fish(commands)))
        return
    beginning = "autoload -U +X compinit bashcompinit && compinit && bashcompinit\n" if shell == "zsh" else ""
    typer.echo(beginning + _bash(commands), nl=False)


def _bash(commands: list[Command]) -> str:
    paths = "|".join(f'" {" ".join(one.path)}"' for one in commands if one.path)
    words = [f'        "{_key(one)}") {_reply(_words(one))} ;;' for one in commands]
    values = [
        f'        "{_key(one)} {spelling}") {_reply(option.choices)} return ;;'
        for one in commands
        for option in one.parameters
        if option.is_option and option.choices
        for spelling in option.spellings
    ]
    return _BASH.format(paths=paths, words="\n".join(words), values="\n".join(values))


def _reply(words: Sequence[str]) -> str:
    return f'COMPREPLY=($(compgen -W "{" ".join(words)}" -- "$current"));'


def _key(command: Command) -> str:
    return "".join(f" {one}" for one in command.path)


def _words(command: Command) -> list[str]:
    chosen = [choice for one in command.parameters if not one.is_option for choice in one.choices]
    return [*command.children, *chosen, *(one.spellings[0] for one in command.parameters if one.is_option), "--help"]


def _fish(commands: list[Command]) -> Iterator[str]:
    for one in commands:
        seen = [f"__fish_seen_subcommand_from {word}" for word in one.path]
        unseen = [f"not __fish_seen_subcommand_from {' '.join(one.children)}"] if one.children else []
        here = f"complete -c longshot -n '{'; and '.join(seen + unseen)}'"
        for name, text in one.children.items():
            yield f"{here} -f -a {name} -d '{_quoted(text)}'"
        for parameter in one.parameters:
            yield from _fish_parameter(here, parameter)


def _fish_parameter(here: str, parameter: Parameter) -> Iterator[str]:
    choices = f" -f -a '{' '.join(parameter.choices)}'" if parameter.choices else ""
    if parameter.is_option:
        spellings = [f"-l {one[2:]}" if one.startswith("--") else f"-s {one[1:]}" for one in parameter.spellings]
        value = " -r" if parameter.value else ""
        yield f"{here} {' '.join(spellings)}{value}{choices} -d '{_quoted(parameter.text)}'"
    elif choices:
        yield f"{here}{choices}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
