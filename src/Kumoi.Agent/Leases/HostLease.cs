using Kumoi.Api.Agent;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Leases;

/// <summary>The host's lease as it stands, kept where an agent that is killed and started again finds it.</summary>
/// <param name="bootId">Changes when the machine restarts.</param>
/// <param name="clock">Its timestamps count from the start of the machine and through suspend.</param>
public sealed class HostLease(IHostRecord record, string bootId, TimeProvider clock, ILogger log)
{
    /// <summary>The longest lease taken from a server. Too low: guests end when servers meant to be patient; too high: a mistyped setting holds guests for years.</summary>
    private static readonly TimeSpan LengthMax = TimeSpan.FromDays(1);

    /// <summary>How long guests that outlived a lost lease, because no agent ran to end them, wait for a document that confirms them. Too low: guests end
    /// for an answer that is a little late; too high: a copy runs on beside the one that was started elsewhere.</summary>
    private static readonly TimeSpan ConfirmLimit = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private TimeSpan _returnedAt;
    private Lease _lease = Lease.Resumed(record.LoadLease(), bootId, Since(clock));
    private int _losses, _confirmed;

    /// <summary>Time since the start of the machine.</summary>
    public TimeSpan Now => Since(clock);

    public LeaseState State
    {
        get
        {
            lock (_gate)
                return _lease.IsOver(Now) ? LeaseState.Over : _confirmed == _losses ? LeaseState.Held : Now - _returnedAt >= ConfirmLimit ? LeaseState.Over : LeaseState.Unconfirmed;
        }
    }

    /// <summary>True after a loss, until a document asked for since then has come.</summary>
    public bool NeedsConfirmation
    {
        get { lock (_gate) return _confirmed != _losses; }
    }

    /// <summary>How long it still runs; zero or less if it is over.</summary>
    public TimeSpan Rest
    {
        get { lock (_gate) return _lease.EndsAt - Now; }
    }

    /// <summary>How long guests that may move may still run as things stand; zero or less if they must not.</summary>
    public TimeSpan GuestsRest
    {
        get
        {
            lock (_gate)
            {
                var (rest, unconfirmed) = (_lease.EndsAt - Now, _returnedAt + ConfirmLimit - Now);
                return _confirmed == _losses || rest < unconfirmed ? rest : unconfirmed;
            }
        }
    }

    /// <summary>How often the lease was lost and began anew. A document asked for at this count confirms it.</summary>
    public int Losses
    {
        get { lock (_gate) return _losses; }
    }

    /// <summary>A report sent at that time was answered. True if the lease had been over: what was decided meanwhile must be asked for.</summary>
    public bool Answered(TimeSpan sentAt, ReportAnswer answer)
    {
        lock (_gate)
        {
            var lost = _lease.IsOver(Now);
            if (lost) (_losses, _returnedAt) = (_losses + 1, Now);
            var length = TimeSpan.FromSeconds(answer.LeaseSeconds);
            Keep(_lease.Renewed(sentAt, length < LengthMax ? length : LengthMax));
            return lost;
        }
    }

    /// <summary>Every server known, asked after that time, answered that its database is away.</summary>
    public void DatabaseAway(TimeSpan askedAt)
    {
        lock (_gate) Keep(_lease.Extended(askedAt, Now));
    }

    /// <summary>A document, or the word that there is none newer, has come to a question asked at that count of losses.</summary>
    public void Confirmed(int losses)
    {
        lock (_gate) _confirmed = Math.Max(_confirmed, losses);
    }

    private void Keep(Lease lease)
    {
        if (lease == _lease) return;
        _lease = lease;
        try
        {
            record.SaveLease(lease);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What is kept then ends sooner than what is true, which errs to the safe side.
            log.LeaseNotKept(e.Message);
        }
    }

    private static TimeSpan Since(TimeProvider clock) => clock.GetElapsedTime(0);
}
