using System.CommandLine;
using Kumoi.Cli.Text;
using Spectre.Console;

namespace Kumoi.Cli.Client;

/// <summary>Passwords come from the terminal, unseen, or from standard input; never from an argument, where others could read them.</summary>
public static class Passwords
{
    public static Option<bool> FromStandardInput() => new("--password-stdin") { Description = Messages.Text("option-password-stdin") };

    /// <summary>The first line of the file, or of standard input for <c>-</c>. Never an argument, where others could read it.</summary>
    public static async Task<string> ReadFileAsync(string file, CancellationToken cancel)
    {
        if (file != "-" && !File.Exists(file)) throw new Local.UserException("no-file", file);
        using var reader = file == "-" ? Console.In : new StreamReader(file);
        return await reader.ReadLineAsync(cancel) ?? "";
    }

    /// <summary>A one-time password; what is typed is seen, since it is worth nothing afterwards.</summary>
    public static string AskCode() => System.Console.IsInputRedirected ? (System.Console.In.ReadLine() ?? "").Trim() : Session.Errors.Prompt(new TextPrompt<string>(Messages.Text("prompt-code")));

    public static string Ask(bool fromStandardInput, bool confirm)
    {
        if (fromStandardInput || Console.IsInputRedirected) return (Console.In.ReadLine() ?? "").TrimEnd('\r', '\n');
        var password = Session.Errors.Prompt(new TextPrompt<string>(Messages.Text("prompt-password")).Secret());
        if (confirm && Session.Errors.Prompt(new TextPrompt<string>(Messages.Text("prompt-password-again")).Secret()) != password) throw new Local.UserException("passwords-differ");
        return password;
    }
}
