using Backhaul.Client.AspNetCore;
using Xunit;

namespace Backhaul.Client.Tests.AspNetCore;

public sealed class LoggedDelegateTests
{
    /// <summary>The interface has a default that does nothing for each: an event that is not passed on would be acknowledged all the same.</summary>
    [Fact]
    public void It_passes_on_every_method()
    {
        var map = typeof(LoggedDelegate).GetInterfaceMap(typeof(ISessionDelegate));
        Assert.All(map.InterfaceMethods.Zip(map.TargetMethods), pair => Assert.True(pair.Second.DeclaringType == typeof(LoggedDelegate), $"{pair.First.Name} is not passed on"));
    }
}
