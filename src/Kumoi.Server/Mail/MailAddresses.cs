namespace Kumoi.Server.Mail;

/// <summary>The form of e-mail addresses that is taken: RFC 5321 without quoted parts and address literals, in ASCII (a domain of another script in its <c>xn--</c> form).</summary>
public static class MailAddresses
{
    public const int LengthMax = 254;

    private const int LocalLengthMax = 64;

    private static readonly System.Buffers.SearchValues<char> Local = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.");

    public static bool IsOne(string text)
    {
        if (text.Length > LengthMax || text.Split('@') is not [var local, var domain]) return false;
        return local.Length is > 0 and <= LocalLengthMax && local.AsSpan().IndexOfAnyExcept(Local) < 0 && !local.StartsWith('.') && !local.EndsWith('.') && !local.Contains("..", StringComparison.Ordinal)
            && domain.Contains('.', StringComparison.Ordinal) && domain.Split('.').All(IsLabel) && !char.IsAsciiDigit(domain[^1]);
    }

    private static bool IsLabel(string label) => label.Length is > 0 and <= 63 && label[0] != '-' && label[^1] != '-' && label.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');
}
