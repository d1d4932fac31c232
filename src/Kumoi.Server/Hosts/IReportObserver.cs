using Kumoi.Api.Agent;

namespace Kumoi.Server.Hosts;

/// <summary>Takes in what reports tell beside hosts and instances. No lease may depend on it: when it fails, the reports count all the same, and what it missed is told again.</summary>
public interface IReportObserver
{
    /// <param name="reports">Of hosts that are known; of several of one host the last one counts.</param>
    Task ObserveAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel);
}
