namespace Kumoi.Reconcile;

/// <summary>
/// Runs a loop that is woken by its doorbell and in any case after a period, so that a lost ring costs one period and nothing else.
/// </summary>
public static class Resync
{
    /// <summary>Calls <paramref name="look"/> until cancelled; an exception goes to <paramref name="broken"/> and the loop goes on.</summary>
    public static async Task RunAsync(
        Doorbell doorbell, TimeSpan period, Func<CancellationToken, Task> look, Action<Exception> broken, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await look(stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // The loop must outlive any failure of one look; the exception is handed on.
            catch (Exception e)
#pragma warning restore CA1031
            {
                broken(e);
            }
            try
            {
                await doorbell.WaitAsync(period, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
        }
    }
}
