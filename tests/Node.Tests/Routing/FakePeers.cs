using Backhaul.Node.Routing;
using Backhaul.Node.Sessions;
using Backhaul.World;

namespace Backhaul.Node.Tests.Routing;

/// <summary>Other nodes that answer what a test tells them.</summary>
internal sealed class FakePeers(VirtualTime time) : IPeers
{
    /// <summary>By address and the number of the call there, from 1.</summary>
    public Func<Owner, int, PeerAnswer> Answer { get; set; } = (_, _) => Done();

    /// <summary>How long the way and the answer take.</summary>
    public TimeSpan Takes { get; set; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Address and moment of each call.</summary>
    public List<(string Address, TimeSpan At)> Calls { get; } = [];

    public List<PeerCommand> Commands { get; } = [];

    public async ValueTask<PeerAnswer> SendAsync(Owner owner, PeerCommand command, TimeSpan deadline, CancellationToken stop)
    {
        Calls.Add((owner.Address, time.Elapsed));
        Commands.Add(command);
        var number = Calls.Count(call => call.Address == owner.Address);
        await Task.Delay(Takes < deadline ? Takes : deadline, time, stop);
        return Takes < deadline ? Answer(owner, number) : new PeerAnswer.Failed(PeerFailure.Unknown, "late");
    }

    public static PeerAnswer Done() => new PeerAnswer.Replied(new CommandReply.Done(200, "{}"u8.ToArray()));

    public static PeerAnswer NotNow(UnavailableReason reason, double retryAfterSeconds = 0) =>
        new PeerAnswer.Replied(new CommandReply.Unavailable(reason, TimeSpan.FromSeconds(retryAfterSeconds), "not now"));

    public static PeerAnswer Failed(PeerFailure stage) => new PeerAnswer.Failed(stage, "test");
}
