using System.Xml.Linq;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Who the caller is, in the words of STS: EC2's clients ask that at the same door before they do anything else.</summary>
public sealed class Ec2Identity
{
    private static readonly XNamespace Sts = "https://sts.amazonaws.com/doc/2011-06-15/";

    public Task<Ec2Answer> GetCallerIdentity(Ec2Call call) => Task.FromResult(new Ec2Answer([], null)
    {
        Whole = new XElement(
            Sts + "GetCallerIdentityResponse",
            new XElement(Sts + "GetCallerIdentityResult", new XElement(Sts + "Arn", $"arn:aws:iam::{call.Caller.AccountId}:user/{Uri.EscapeDataString(call.Caller.UserName)}"), new XElement(Sts + "UserId", call.Caller.UserId), new XElement(Sts + "Account", call.Caller.AccountId)),
            new XElement(Sts + "ResponseMetadata", new XElement(Sts + "RequestId", call.Caller.RequestId))),
    });
}
