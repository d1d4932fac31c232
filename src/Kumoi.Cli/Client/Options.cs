using System.CommandLine;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Options and arguments that several commands share; their descriptions are in the catalogue under their names.</summary>
public static class Options
{
    public static Option<T> New<T>(string name) => new(name) { Description = Messages.Text("option" + name.Replace("--", "-", StringComparison.Ordinal)) };

    public static Option<T> Required<T>(string name) => new(name) { Description = Messages.Text("option" + name.Replace("--", "-", StringComparison.Ordinal)), Required = true };

    public static Option<string[]> Many(string name) => new(name) { Description = Messages.Text("option" + name.Replace("--", "-", StringComparison.Ordinal)), AllowMultipleArgumentsPerToken = false };

    public static Argument<string> Name(string key = "argument-name") => new("name") { Description = Messages.Text(key) };

    public static Option<int> Timeout() => new("--timeout") { Description = Messages.Text("option-timeout"), DefaultValueFactory = _ => 300 };
}
