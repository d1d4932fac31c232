using System.CommandLine;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary><c>completion</c>: scripts that let a shell ask this program what may follow.</summary>
public static class Completion
{
    private const string Bash =
        """
        _kumoi() { local IFS=$'\n'; COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}")); }
        complete -F _kumoi kumoi ./kumoi
        """;

    private const string Zsh =
        """
        #compdef kumoi
        _kumoi() { local -a found; found=("${(@f)$("${words[1]}" "[suggest:${#BUFFER}]" "$BUFFER" 2>/dev/null)}"); compadd -- $found; }
        compdef _kumoi kumoi ./kumoi
        """;

    private const string Fish =
        """
        complete -c kumoi -f -a '(kumoi "[suggest:"(commandline -C)"]" (commandline) 2>/dev/null)'
        """;

    public static Command Make()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh, fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", Messages.Text("command-completion")) { shell };
        command.SetAction(parsed => Console.WriteLine(parsed.GetValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish }));
        return command;
    }
}
