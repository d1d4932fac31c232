using System.CommandLine;
using System.Globalization;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Limits: what an account or a domain may have, and wishes for more.</summary>
public static class QuotaCommands
{
    private static readonly IReadOnlyList<Column<Quota>> Columns =
    [
        new("resource", q => q.Resource), new("limit", q => Limit(q.Limit)), new("used", q => Number(q.Used)), new("source", q => q.Source == "none" ? "-" : Messages.Text("quota-of-" + q.Source)),
        new("domain", q => q.Domains is { Count: > 0 } above ? string.Join(", ", above.Select(d => $"{d.Domain.Name} {Number(d.Used)}/{Number(d.Limit)}")) : "-"),
    ];

    private static readonly IReadOnlyList<Column<QuotaRequest>> RequestColumns =
    [
        new("id", r => r.Id), new("account", r => r.Account.Name), new("resource", r => r.Resource), new("limit", r => Number(r.Limit)), new("state", r => r.State), new("user", r => r.AskedBy), new("reason", r => r.Reason),
        new("answer", r => r.Answer), SmallNouns.Created<QuotaRequest>(r => r.CreatedAt),
    ];

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Limit(long? limit) => limit is { } most ? Number(most) : Messages.Text("unlimited");

    public static Command Make()
    {
        var noun = new Noun<Quota>("quota", "quotas", q => q.Resource, Columns);
        var (ofAccount, ofDomain) = (Options.New<string?>("--of-account"), Options.New<string?>("--of-domain"));
        noun.Act(new Command("list", Messages.Text("quota-list")) { ofAccount, ofDomain }, async (session, parsed, cancel) =>
        {
            session.Write((await session.Client.GetAsync<Page<Quota>>(Path(parsed, ofAccount, ofDomain) ?? "quotas", cancel)).Items, Columns);
            return 0;
        });
        var (limits, account, domain) = (new Argument<string[]>("limits") { Description = Messages.Text("argument-limits"), Arity = ArgumentArity.OneOrMore }, Options.New<string?>("--of-account"), Options.New<string?>("--of-domain"));
        noun.Act(new Command("set", Messages.Text("quota-set")) { limits, account, domain }, async (session, parsed, cancel) =>
        {
            var path = Path(parsed, account, domain) ?? throw new UserException("quota-of-what");
            session.Write((await session.Client.PutAsync<SetQuotas, Page<Quota>>(path, Read(parsed.GetValue(limits)!), cancel)).Items, Columns);
            return 0;
        });
        noun.Command.Subcommands.Add(Defaults());
        noun.Command.Subcommands.Add(Requests());
        noun.Act(Request(out var resource, out var limit, out var reason), async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PostAsync<CreateQuotaRequest, QuotaRequest>("quota-requests", new CreateQuotaRequest(parsed.GetValue(resource)!, parsed.GetValue(limit), parsed.GetValue(reason)), null, cancel));
            return 0;
        });
        return noun.Command;
    }

    private static Command Request(out Argument<string> resource, out Argument<long> limit, out Option<string?> reason)
    {
        (resource, limit, reason) = (new Argument<string>("resource") { Description = Messages.Text("argument-resource") }, new Argument<long>("limit") { Description = Messages.Text("argument-limit") }, Options.New<string?>("--reason"));
        return new Command("request", Messages.Text("quota-request")) { resource, limit, reason };
    }

    private static string? Path(ParseResult parsed, Option<string?> account, Option<string?> domain) =>
        parsed.GetValue(account) is { } name ? $"accounts/{Uri.EscapeDataString(name)}/quotas" : parsed.GetValue(domain) is { } path ? $"domains/{Uri.EscapeDataString(path)}/quotas" : null;

    /// <summary><c>instances=10</c>, <c>vcpus=none</c>, <c>volumes=default</c>.</summary>
    private static SetQuotas Read(IReadOnlyList<string> texts)
    {
        var (limits, defaults) = (new Dictionary<string, long?>(), new List<string>());
        foreach (var text in texts)
        {
            if (text.Split('=') is not [var resource, var value]) throw new UserException("quota-form", text);
            if (value == "default") defaults.Add(resource);
            else limits[resource] = value == "none" ? null : long.TryParse(value, CultureInfo.InvariantCulture, out var number) ? number : throw new UserException("quota-form", text);
        }
        return new SetQuotas(limits, defaults);
    }

    private static Command Defaults()
    {
        IReadOnlyList<Column<QuotaDefault>> columns = [new("resource", d => d.Resource), new("limit", d => Limit(d.Limit))];
        var (list, limits) = (new Command("list", Messages.Text("verb-list")), new Argument<string[]>("limits") { Description = Messages.Text("argument-limits"), Arity = ArgumentArity.OneOrMore });
        Session.Bind(list, async (session, parsed, cancel) =>
        {
            session.Write((await session.Client.GetAsync<Page<QuotaDefault>>("quota-defaults", cancel)).Items, columns);
            return 0;
        });
        var set = new Command("set", Messages.Text("quota-set-default")) { limits };
        Session.Bind(set, async (session, parsed, cancel) =>
        {
            session.Write((await session.Client.PutAsync<SetQuotas, Page<QuotaDefault>>("quota-defaults", Read(parsed.GetValue(limits)!), cancel)).Items, columns);
            return 0;
        });
        return new Command("default", Messages.Text("quota-default")) { list, set };
    }

    private static Command Requests()
    {
        var requests = new Command("requests", Messages.Text("quota-requests"));
        var (list, state) = (new Command("list", Messages.Text("verb-list")), Options.New<string?>("--state"));
        list.Options.Add(state);
        Session.Bind(list, async (session, parsed, cancel) =>
        {
            var found = new List<QuotaRequest>();
            await foreach (var request in session.Client.ListAsync<QuotaRequest>("quota-requests", parsed.GetValue(state) is { } wanted ? "state=" + Uri.EscapeDataString(wanted) : "", cancel)) found.Add(request);
            session.Write(found, RequestColumns);
            return 0;
        });
        requests.Subcommands.Add(list);
        foreach (var (verb, grant) in new[] { ("grant", true), ("refuse", false) })
        {
            var (id, answer) = (new Argument<string>("id") { Description = Messages.Text("argument-key") }, Options.New<string?>("--answer"));
            var command = new Command(verb, Messages.Text("quota-" + verb)) { id, answer };
            Session.Bind(command, async (session, parsed, cancel) =>
            {
                session.Write(await session.Client.PostAsync<AnswerQuotaRequest, QuotaRequest>($"quota-requests/{Uri.EscapeDataString(parsed.GetValue(id)!)}/answer", new AnswerQuotaRequest(grant, parsed.GetValue(answer)), null, cancel));
                return 0;
            });
            requests.Subcommands.Add(command);
        }
        return requests;
    }
}
