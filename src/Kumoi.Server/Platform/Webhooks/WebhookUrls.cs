using System.Net;

namespace Kumoi.Server.Platform.Webhooks;

/// <summary>What a webhook's URL must be like.</summary>
public static class WebhookUrls
{
    private const int LengthMax = 2048;

    /// <summary>The text as a URL without control characters and fragments; null if it is none.</summary>
    public static Uri? Read(string text) =>
        text.Length <= LengthMax && Uri.TryCreate(text, UriKind.Absolute, out var read) && read.Host.Length > 0 && read.Fragment.Length == 0 && text.All(c => c > ' ' && !char.IsControl(c)) ? read : null;

    public static Violation? CheckLength(string field, string text) => text.Length > LengthMax ? new Violation(field, "too-long", LengthMax) : null;

    /// <param name="httpAllowed">Whether requests may go in clear.</param>
    public static Violation? Check(string field, string text, bool httpAllowed, WebhookGate gate)
    {
        if (CheckLength(field, text) is { } broken) return broken;
        if (Read(text) is not { UserInfo.Length: 0 } url || url.Scheme != "https" && !(httpAllowed && url.Scheme == "http")) return new Violation(field, "webhook-url");
        return IPAddress.TryParse(url.DnsSafeHost, out var address) && !gate.IsOpen(address) ? new Violation(field, "webhook-address") : null;
    }
}
