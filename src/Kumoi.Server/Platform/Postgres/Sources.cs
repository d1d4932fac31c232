using Npgsql;

namespace Kumoi.Server.Platform.Postgres;

/// <summary>Opens what a connection string names.</summary>
public static class Sources
{
    // After a failure the next server of a pair is asked at once, and the failed one again after this.
    private const int RecheckSeconds = 1;

    /// <summary>One PostgreSQL, or several of which one is the primary (a comma between their hosts): the primary is found again after a failover.</summary>
    public static NpgsqlDataSource Open(NpgsqlConnectionStringBuilder settings)
    {
        // A server that is held in the middle of a transaction must not hold the rows it has locked against all others, nor may they wait for ever.
        settings.Options = string.Join(' ', settings.Options, "-c idle_in_transaction_session_timeout=5s -c lock_timeout=8s").Trim();
        if (settings.Host?.Contains(',', StringComparison.Ordinal) != true) return new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = "kumoi" }.Build();
        settings.HostRecheckSeconds = RecheckSeconds;
        return new NpgsqlDataSourceBuilder(settings.ConnectionString).BuildMultiHost().WithTargetSession(TargetSessionAttributes.ReadWrite);
    }
}
