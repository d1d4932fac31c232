using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Volumes;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Snapshots of volumes.</summary>
public sealed class Ec2Snapshots(SnapshotUseCases snapshots, SnapshotTaking taking)
{
    public async Task<Ec2Answer> CreateSnapshot(Ec2Call call)
    {
        var (id, asked) = (call.Parameters.RequiredId("VolumeId", Ec2Kind.Volume), Asked(call));
        if (call.Parameters.Fault is { } fault) return fault;
        var made = await taking.OfVolumeAsync(call.Caller, id, asked, null, call.Cancelled);
        if (made.Failure is { Code: "name-taken" }) made = await taking.OfVolumeAsync(call.Caller, id, asked with { Name = null }, null, call.Cancelled);
        return Ec2Answer.Of(made, snapshot => Fields(snapshot));
    }

    /// <summary>One of each volume of an instance, of the same moment.</summary>
    public async Task<Ec2Answer> CreateSnapshots(Ec2Call call)
    {
        var (id, asked) = (call.Parameters.Below("InstanceSpecification").RequiredId("InstanceId", Ec2Kind.Instance), Asked(call) with { Name = null });
        if (call.Parameters.Fault is { } fault) return fault;
        return Ec2Answer.Of(await taking.OfInstanceAsync(call.Caller, id, asked, null, call.Cancelled), made => Xml.Set("snapshotSet", made.Items, snapshot => new object?[]
        {
            Xml.Of("snapshotId", snapshot.Id), Xml.Of("volumeId", snapshot.Volume.Id), Xml.Of("state", Status(snapshot)), Xml.Of("volumeSize", snapshot.SizeGib), Xml.Of("startTime", snapshot.CreatedAt), Xml.Of("ownerId", snapshot.Account.Id), Xml.Of("description", snapshot.Description), Xml.Tags(snapshot.Tags),
        }));
    }

    private static CreateSnapshot Asked(Ec2Call call)
    {
        var tags = call.Parameters.TagsFor("snapshot");
        return new CreateSnapshot(Ec2TagSource.NameOf(tags), call.Parameters.Text("Description"), tags);
    }

    public async Task<Ec2Answer> DeleteSnapshot(Ec2Call call)
    {
        var id = call.Parameters.RequiredId("SnapshotId", Ec2Kind.Snapshot);
        if (call.Parameters.Fault is { } fault) return fault;
        return Ec2Answer.Done(await snapshots.DeleteAsync(call.Caller, id, call.Cancelled));
    }

    public async Task<Ec2Answer> DescribeSnapshots(Ec2Call call)
    {
        var (ids, owners) = (call.Parameters.Ids("SnapshotId", Ec2Kind.Snapshot), call.Parameters.Texts("Owner"));
        if (call.Parameters.Fault is { } fault) return fault;
        var none = new TagFilter(new Dictionary<string, string>(), []);
        var all = await Ec2Lists.AllAsync(page => snapshots.ListAsync(call.Caller, null, null, null, null, none, page, call.Cancelled), snapshot => snapshot.Id);
        if (all.Failure is { } failure) return failure;
        // One that is on its way out is gone for whoever asked for that.
        var there = all.Value.Where(snapshot => snapshot.State != "deleting" && (owners.Count == 0 || owners.Contains("self") || owners.Contains(call.Caller.AccountId) || owners.Contains(call.Caller.AccountName))).ToList();
        var filters = new Ec2Filters<Snapshot>(TagsOf, new()
        {
            ["snapshot-id"] = snapshot => [snapshot.Id], ["volume-id"] = snapshot => [snapshot.Volume.Id], ["status"] = snapshot => [Status(snapshot)], ["description"] = snapshot => [snapshot.Description], ["owner-id"] = snapshot => [snapshot.Account.Id],
            ["volume-size"] = snapshot => [$"{snapshot.SizeGib}"], ["start-time"] = snapshot => [Xml.Time(snapshot.CreatedAt)], ["progress"] = snapshot => [Progress(snapshot)],
        });
        return Ec2Lists.Describe(call, "snapshotSet", there, ids, snapshot => snapshot.Id, Ec2Kind.Snapshot.NoSuch, filters, Fields);
    }

    private static IReadOnlyDictionary<string, string> TagsOf(Snapshot snapshot) => Ec2TagSource.Named(snapshot.Tags, snapshot.Id, snapshot.Name);

    private static string Status(Snapshot snapshot) => snapshot.State == "creating" ? "pending" : "completed";

    private static string Progress(Snapshot snapshot) => Status(snapshot) == "completed" ? "100%" : "0%";

    private static object?[] Fields(Snapshot snapshot) =>
    [
        Xml.Of("snapshotId", snapshot.Id), Xml.Of("volumeId", snapshot.Volume.Id), Xml.Of("status", Status(snapshot)), Xml.Of("startTime", snapshot.CreatedAt), Xml.Of("progress", Progress(snapshot)), Xml.Of("ownerId", snapshot.Account.Id), Xml.Of("volumeSize", snapshot.SizeGib),
        Xml.Of("description", snapshot.Description), Xml.Tags(TagsOf(snapshot)),
    ];
}
