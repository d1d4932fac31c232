using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Kumoi.Server.Power;

/// <summary>Where a controller listens: a name or an address, and a port unless it is the usual one. IPv6 addresses stand in brackets.</summary>
/// <param name="Host">Without brackets.</param>
/// <param name="Port">Null: the usual one of the driver.</param>
public sealed partial record PowerAddress(string Host, int? Port)
{
    /// <summary>Null if the text is no such address.</summary>
    public static PowerAddress? Parse(string text)
    {
        if (Form().Match(text) is not { Success: true } match) return null;
        var (six, name, port) = (match.Groups["six"], match.Groups["name"], match.Groups["port"]);
        int? number = null;
        if (port.Success)
        {
            if (!int.TryParse(port.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var given) || given is < 1 or > 65535) return null;
            number = given;
        }
        if (!six.Success) return new PowerAddress(name.Value, number);
        return IPAddress.TryParse(six.ValueSpan, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6 ? new PowerAddress(six.Value, number) : null;
    }

    // A name begins with a letter or digit, so that no program takes it for an option.
    [GeneratedRegex(@"^(?:\[(?<six>[0-9A-Fa-f:.]{2,45})\]|(?<name>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?))(?::(?<port>[0-9]{1,5}))?\z")]
    private static partial Regex Form();
}
