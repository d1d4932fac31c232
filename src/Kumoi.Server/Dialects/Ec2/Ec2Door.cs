using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Platform.Http;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>The one way into the dialect: reads a request, finds out who asks, whether that is allowed, has it done, and writes the answer.</summary>
public sealed class Ec2Door(Ec2Authentication authentication, Ec2Actions actions, ILogger<Ec2Door> log)
{
    public async Task ServeAsync(HttpContext http)
    {
        var language = Messages.Choose(http.Request.Headers.AcceptLanguage);
        var (action, answer) = await AnswerAsync(http);
        http.Response.ContentType = "text/xml;charset=UTF-8";
        http.Response.Headers.CacheControl = "no-store";
        if (answer.Fault is { } fault)
        {
            http.Response.StatusCode = fault.Status;
            if (fault.Native?.RetryAfter is { } wait) http.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            await WriteAsync(http, Describe(fault, language, http.TraceIdentifier));
        }
        else await WriteAsync(http, answer.Whole ?? new XElement(Xml.Namespace + (action + "Response"), Xml.Of("requestId", http.TraceIdentifier), answer.Content));
    }

    private async Task<(string Action, Ec2Answer Answer)> AnswerAsync(HttpContext http)
    {
        try
        {
            var (request, unread) = await Ec2Request.ReadAsync(http);
            if (request is null) return ("", unread!);
            var (caller, unknown) = await authentication.AuthenticateAsync(http, request, http.RequestAborted);
            if (caller is null) return ("", unknown!);
            var parameters = new Ec2Parameters(request.Parameters());
            if (parameters.Text("Action") is not { } name) return ("", new Ec2Fault("MissingAction", 400, "missing-action"));
            if (actions.Find(name) is not { } action) return ("", new Ec2Fault("UnknownAction", 400, "unknown-action", name));
            if (caller.Refused(action.Permission) is { } refused) return ("", refused.Code == "forbidden" ? new Ec2Fault("UnauthorizedOperation", 403, "unauthorized", action.Permission.ToString()) : Ec2Errors.Of(refused));
            if (action.Required.FirstOrDefault(one => !parameters.Has(one)) is { } absent) return ("", Ec2Fault.Missing(absent));
            var dry = action.HasDryRun ? parameters.Boolean("DryRun") : null;
            if (parameters.Fault is { } fault) return ("", fault);
            if (dry == true) return ("", new Ec2Fault("DryRunOperation", 412, "dry-run"));
            return (action.Name, await action.Handle(new Ec2Call(action.Name, caller, parameters, $"{http.Request.Host}/ec2", http.RequestAborted)));
        }
        catch (Exception e) when (e is not (SenderGoneException or OperationCanceledException) || !http.RequestAborted.IsCancellationRequested)
        {
            return ("", RequestDefaults.Explain(e, log, http));
        }
    }

    private static XElement Describe(Ec2Fault fault, string language, string requestId) => new(
        "Response", new XElement("Errors", new XElement("Error", new XElement("Code", fault.Code), new XElement("Message", Xml.Of("Message", fault.Message(language))!.Value))), new XElement("RequestID", requestId));

    private static async Task WriteAsync(HttpContext http, XElement root)
    {
        var settings = new XmlWriterSettings { Async = true, Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false) };
        await using var writer = XmlWriter.Create(http.Response.Body, settings);
        await new XDocument(root).SaveAsync(writer, http.RequestAborted);
    }
}

public static class Ec2Endpoints
{
    public static IServiceCollection AddEc2(this IServiceCollection services) => services
        .AddSingleton<Ec2Authentication>().AddSingleton<Ec2Door>().AddSingleton<Ec2Actions>().AddSingleton<Ec2TagSource>().AddSingleton<Ec2Identity>().AddSingleton<Ec2Regions>().AddSingleton<Ec2KeyPairs>().AddSingleton<Ec2Images>().AddSingleton<Ec2SecurityGroups>().AddSingleton<Ec2SecurityGroupRules>()
        .AddSingleton<Ec2Instances>().AddSingleton<Ec2Launches>().AddSingleton<Ec2InstanceAttributes>().AddSingleton<Ec2MetadataOptions>().AddSingleton<Ec2Volumes>().AddSingleton<Ec2Snapshots>().AddSingleton<Ec2Tags>().AddSingleton<Ec2Addresses>().AddSingleton<Ec2Vpcs>().AddSingleton<Ec2Subnets>()
        .AddSingleton<Ec2RouteTables>().AddSingleton<Ec2Gateways>().AddSingleton<Ec2Interfaces>().AddSingleton<Ec2PlacementGroups>();

    /// <summary>At the API's port only, beside the native API.</summary>
    public static void MapEc2(this IEndpointRouteBuilder routes, Ec2Door door, int port) =>
        routes.MapGroup("/ec2").AddPort(port).MapMethods("/", ["GET", "POST"], door.ServeAsync).ExcludeFromDescription()
            .WithMetadata(new RequiredPermission(null, "Requests are signed; each action states what it needs in Ec2Actions."));
}
