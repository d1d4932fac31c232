using System.Text.Json;
using System.Text.Json.Serialization;
using Kumoi.Agent.Linux;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Exports;

/// <summary>
/// To whom a volume is given, noted before its process is started and forgotten when that has ended: the process itself could be taken over by whom it
/// serves, and would then say what it likes. The port stays the same when the process is started again, since guests come back to it.
/// </summary>
/// <param name="ProcessId">The process that has the volume open; 0 while it is not known.</param>
/// <param name="Protocol"><see cref="VolumeProtocols"/>.</param>
/// <param name="TargetId">The process that gives by iSCSI what the other has open, noted once it does; 0: there is none.</param>
/// <param name="StartedAt">By the clock, for agents that know nothing else of it; so is that of the target.</param>
/// <param name="IsGrouped">They are in control groups of their own; not said of those that an earlier version has started.</param>
/// <param name="Start">By which the process is known; null in notes of agents that did not write it. So is that of the target.</param>
internal sealed record ExportNote(
    string InstanceId, int Incarnation, int Port, int ProcessId, DateTimeOffset StartedAt, string Protocol = VolumeProtocols.Nbd, int TargetId = 0, DateTimeOffset TargetStartedAt = default,
    ProcessStart? Start = null, ProcessStart? TargetStart = null, bool IsGrouped = false)
{
    // Times of starts are told to a hundredth of a second, from a moment that is told to the second.
    private static readonly TimeSpan Inexactness = TimeSpan.FromSeconds(2);

    /// <summary>The note with the process that was started.</summary>
    public ExportNote With(int process) => this with { ProcessId = process, StartedAt = Processes.StartedAt(process) ?? default, Start = Processes.StartOf(process) };

    /// <summary>The note with the target; 0: without one.</summary>
    public ExportNote WithTarget(int target) => this with { TargetId = target, TargetStartedAt = Processes.StartedAt(target) ?? default, TargetStart = Processes.StartOf(target) };

    [JsonIgnore]
    public ExportSight Sight => new(InstanceId, Incarnation, Port);

    /// <summary>The process that was started; null if it has ended.</summary>
    [JsonIgnore]
    public int? Process => Living(ProcessId, Start, StartedAt);

    /// <summary>The target; null if it has ended, or never was one.</summary>
    [JsonIgnore]
    public int? Target => Living(TargetId, TargetStart, TargetStartedAt);

    /// <summary>All processes live that there must be.</summary>
    [JsonIgnore]
    public bool IsWhole => Process is not null && (Protocol != VolumeProtocols.Iscsi || Target is not null);

    private static int? Living(int id, ProcessStart? start, DateTimeOffset startedAt) =>
        id > 0 && Processes.IsAlive(id) && (start is null ? Processes.StartedAt(id) is { } at && (at - startedAt).Duration() < Inexactness : Processes.StartOf(id) == start) ? id : null;

    public static ExportNote? Read(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), ExportNoteJson.Default.ExportNote) : null;
        }
        catch (JsonException)
        {
            // Whatever it said: its process is ended, and another one started.
            return new ExportNote("", 0, 0, 0, default, "");
        }
    }

    public void Write(string path)
    {
        DurableFiles.Write(path, JsonSerializer.SerializeToUtf8Bytes(this, ExportNoteJson.Default.ExportNote), AgentModes.PrivateFile);
        DurableFiles.FlushDirectory(Path.GetDirectoryName(path)!);
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ExportNote))]
internal sealed partial class ExportNoteJson : JsonSerializerContext;
