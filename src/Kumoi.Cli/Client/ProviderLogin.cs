using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;
using Spectre.Console;

namespace Kumoi.Cli.Client;

/// <summary>Logging in by an identity provider: a browser goes there and brings a code back, to a port of this machine (RFC 8252) or for people to paste.</summary>
public static class ProviderLogin
{
    // As long as the server lets a sign-in take.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    private const int RequestBytesMax = 16 * 1024, ConnectionsMax = 32;

    /// <param name="paste">The browser is elsewhere: the code is shown there, and typed here.</param>
    public static async Task<TokenCreated> RunAsync(KumoiClient client, string provider, bool paste, CancellationToken cancel)
    {
        var found = await client.GetAsync<SignInProvider>("sign-in-providers/" + Uri.EscapeDataString(provider), cancel);
        var verifier = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        var challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
        var code = paste ? Pasted(Address(found, challenge, "code")) : await ReceivedAsync(found, challenge, cancel);
        return await client.PostAsync<Login, TokenCreated>("tokens", new Login(null, null, null, new SignInCode(code, verifier)), null, cancel);
    }

    private static string Address(SignInProvider provider, string challenge, string to) => $"{provider.Url}?challenge={challenge}&to={to}";

    private static string Pasted(string address)
    {
        System.Console.Error.WriteLine(Messages.Text("login-open", address));
        var typed = System.Console.IsInputRedirected ? System.Console.In.ReadLine() ?? "" : Session.Errors.Prompt(new TextPrompt<string>(Messages.Text("prompt-sign-in-code")));
        return typed.Trim();
    }

    private static async Task<string> ReceivedAsync(SignInProvider provider, string challenge, CancellationToken cancel)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        System.Console.Error.WriteLine(Messages.Text("login-open", Address(provider, challenge, port.ToString(System.Globalization.CultureInfo.InvariantCulture))));
        System.Console.Error.WriteLine(Messages.Text("login-elsewhere"));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Patience);
        try
        {
            return await AcceptAsync(listener, limit.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new UserException("login-too-long");
        }
        finally
        {
            await limit.CancelAsync();
        }
    }

    // Browsers open connections in advance and say nothing on them, so that several are listened to at once.
    private static async Task<string> AcceptAsync(TcpListener listener, CancellationToken cancel)
    {
        var answers = new List<Task<string?>>();
        var accepting = listener.AcceptTcpClientAsync(cancel).AsTask();
        while (true)
        {
            var done = await Task.WhenAny(answers.Count < ConnectionsMax ? [accepting, .. answers] : answers);
            if (done == accepting)
            {
                answers.Add(AnswerAsync(await accepting, cancel));
                accepting = listener.AcceptTcpClientAsync(cancel).AsTask();
            }
            else if (answers.Find(answer => answer == done) is { } answer && answers.Remove(answer) && await answer is { } code) return code;
        }
    }

    /// <summary>The code that a request brings; null for requests that bring none: browsers ask for icons, and other programs of this machine for anything. A wrong code is refused by the server, which knows who began.</summary>
    private static async Task<string?> AnswerAsync(TcpClient browser, CancellationToken cancel)
    {
        try
        {
            using var connection = browser;
            await using var stream = browser.GetStream();
            var line = await FirstLineAsync(stream, cancel);
            var target = line.Split(' ') is ["GET", var asked, ..] && Uri.TryCreate("http://127.0.0.1" + asked, UriKind.Absolute, out var url) && url.AbsolutePath == "/" ? url.Query : "";
            var (code, error) = (Value(target, "code"), Value(target, "error"));
            var text = code is not null ? Messages.Text("login-browser-done") : error is not null ? Messages.Text("login-browser-failed") : "";
            var body = Encoding.UTF8.GetBytes(text + "\n");
            var head = $"HTTP/1.1 {(code ?? error) switch { null => "404 Not Found", _ => "200 OK" }}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {body.Length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n";
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head), cancel);
            await stream.WriteAsync(body, cancel);
            if (error is not null) throw new UserException("login-provider-failed", error);
            return code;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static async Task<string> FirstLineAsync(NetworkStream stream, CancellationToken cancel)
    {
        var (buffer, length) = (new byte[RequestBytesMax], 0);
        while (length < buffer.Length && buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) < 0)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), cancel);
            if (read == 0) break;
            length += read;
        }
        var text = Encoding.ASCII.GetString(buffer, 0, length);
        return text.IndexOf("\r\n", StringComparison.Ordinal) is >= 0 and var end ? text[..end] : "";
    }

    private static string? Value(string query, string name) =>
        query.TrimStart('?').Split('&').Select(pair => pair.Split('=', 2)).FirstOrDefault(pair => pair.Length == 2 && pair[0] == name && pair[1].Length > 0) is { } found && found[1].All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') ? found[1] : null;
}
