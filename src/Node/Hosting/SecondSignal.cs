using System.Runtime.InteropServices;

namespace Backhaul.Node.Hosting;

/// <summary>The first SIGINT or SIGTERM drains (the host listens to it); a second one means that somebody does not want to wait.</summary>
internal sealed class SecondSignal : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations;
    private int _signals;

    public SecondSignal() => _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal), PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal)];

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        if (Interlocked.Increment(ref _signals) < 2)
            return;
        Console.Error.WriteLine("Second signal: exiting at once. The next start goes on from the journal.");
        Environment.Exit(context.Signal == PosixSignal.SIGINT ? 130 : 143);
    }
}
