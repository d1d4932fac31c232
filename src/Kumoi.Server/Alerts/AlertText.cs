using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;

namespace Kumoi.Server.Alerts;

/// <summary>Alerts in words: <c>alert.</c>KIND with the resource's name and the arguments in its places.</summary>
public static class AlertText
{
    /// <summary>Before an argument that is a word of the vocabulary, and around the reason of a condition, which its words follow; no name holds them.</summary>
    public const string NounMark = "\u0001", ConditionMark = "\u0002";

    // A sentence, and not the output of a program.
    private const int ArgumentLengthMax = 300;

    public static string Message(string language, string kind, string name, IReadOnlyList<string> arguments)
    {
        var places = new object[Places];
        Array.Fill(places, "-");
        places[0] = PlainText.Of(name, ArgumentLengthMax);
        foreach (var (i, argument) in arguments.Take(Places - 1).Index()) places[i + 1] = Words(language, argument);
        return Messages.Text(language, Key(kind), places);
    }

    public static string Action(string language, string kind, string name) => Messages.Text(language, Key(kind) + ".action", PlainText.Of(name, ArgumentLengthMax));

    /// <summary>The kind as a heading for several of it.</summary>
    public static string Many(string language, string kind) => Messages.Text(language, Key(kind) + ".many");

    // Those that there are at the most in a text of a kind.
    private const int Places = 6;

    // Kinds of a later version may stand in the records while servers are replaced.
    private static string Key(string kind) => Messages.Has("alert." + kind) ? "alert." + kind : "alert.other";

    private static object Words(string language, string argument)
    {
        if (argument.StartsWith(NounMark, StringComparison.Ordinal) && Messages.Has("noun." + argument[1..])) return new Noun(argument[1..]);
        // Hosts write in English; a reason that is known has a sentence in each language.
        if (argument.StartsWith(ConditionMark, StringComparison.Ordinal) && argument[1..].Split(ConditionMark, 2) is [var reason, var message])
            return Messages.Has("condition." + reason) ? Messages.Text(language, "condition." + reason) : PlainText.Of(message, ArgumentLengthMax);
        return PlainText.Of(argument, ArgumentLengthMax);
    }
}
